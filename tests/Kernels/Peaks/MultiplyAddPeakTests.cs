using Generation.Kernels.Peaks;

namespace Generation.Kernels.Tests.Peaks;

public sealed class MultiplyAddPeakTests
{
    [TestCase(InstructionSet.Baseline), TestCase(InstructionSet.Avx2), TestCase(InstructionSet.Avx512), TestCase(InstructionSet.AmxBf16)]
    public void Measure_ASetInCSharp_HasASpeed_AndOthersNone(InstructionSet set) =>
        Assert.That(MultiplyAddPeak.Measure(set, seconds: 0), InstructionSets.Vectors.Contains(set) ? Is.GreaterThan(0) : Is.Zero);
}
