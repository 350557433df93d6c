using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>Every network gives the reference's numbers, in float32; stays near them in bfloat16; and leaves no tensor behind.</summary>
public sealed class ModulesTests
{
    // Rounding to 8 bits of mantissa at every layer of a small random network
    private const double BFloat16RelativeError = 0.05;

    private static IEnumerable<GoldenCase> Cases => GoldenCase.All("modules");

    [TestCaseSource(nameof(Cases))]
    public void Network_OnReferenceInputs_GivesReferenceOutputs(GoldenCase golden)
    {
        using var run = ModuleRun.Load(golden, ScalarType.Float32);
        long before = TensorCount.Settled();
        Dictionary<string, Tensor> outputs = run.Call();
        long after = TorchExtras.LiveTensors;
        using DisposeScope scope = NewDisposeScope();
        try
        {
            Assert.That(after - before, Is.EqualTo(outputs.Count), "tensors left alive beside the results");
            Assert.That(outputs.Keys, Is.EquivalentTo(golden.Outputs));
            foreach ((string? name, Tensor? actual) in outputs)
            {
                golden.AssertClose(actual, name);
            }
        }
        finally
        {
            Dispose(outputs);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Network_InBFloat16_StaysNearReference(GoldenCase golden)
    {
        using var run = ModuleRun.Load(golden, ScalarType.BFloat16);
        Dictionary<string, Tensor> outputs = run.Call();
        try
        {
            foreach ((string? name, Tensor? actual) in outputs.Where(output => output.Value.is_floating_point()))
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor expected = golden.Output(name),
                    error = actual.to(ScalarType.Float32).cpu() - expected;
                double relative = (error.square().mean().sqrt() / expected.square().mean().sqrt()).item<float>();
                Assert.That(relative, Is.LessThan(BFloat16RelativeError), $"relative error of {name}");
            }
        }
        finally
        {
            Dispose(outputs);
        }
    }

    private static void Dispose(Dictionary<string, Tensor> outputs)
    {
        foreach (Tensor output in outputs.Values)
        {
            output.Dispose();
        }
    }
}
