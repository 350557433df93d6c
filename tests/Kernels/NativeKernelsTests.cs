namespace Generation.Kernels.Tests;

public sealed class NativeKernelsTests
{
    [Test]
    public void Sentence_AnyMachine_SaysWhatRunsOrWhyNot()
    {
        Assert.That(NativeKernels.Sentence, Does.StartWith("bfloat16 ").And.EndsWith("."));
        Assert.That(
            NativeKernels.Sentence,
            NativeKernels.IsAvailable ? Does.Contain("runs on A") : Does.Contain("libtorch's own kernels").Or.Contain("in float32")
        );
        Assert.That(NativeKernels.Instructions, Is.LessThanOrEqualTo(Processor.Allowed));
    }

    [Test]
    public void Peak_EachSet_IsThereWhereItsInstructionsAre([Values] InstructionSet set)
    {
        bool has = set >= InstructionSet.Avx512Bf16 && set <= NativeKernels.Instructions;
        Assert.That(NativeKernels.Peak(set, 0.01), has ? Is.GreaterThan(0) : Is.Zero);
    }
}
