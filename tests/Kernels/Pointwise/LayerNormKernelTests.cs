using Generation.Kernels.Pointwise;

namespace Generation.Kernels.Tests.Pointwise;

public sealed unsafe class LayerNormKernelTests
{
    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_AnyRows_AreNormal(InstructionSet set, Element element)
    {
        foreach ((long rows, long size) in new (long, long)[] { (1, 1), (4, 7), (3, 16), (2, 24), (5, 33), (64, 320), (3, 5120) })
        {
            foreach (Element parameters in Enum.GetValues<Element>())
            {
                using var x = GuardedArray.Random(element, rows * size, seed: (int)size, mean: 3, deviation: 2);
                using var weight = GuardedArray.Random(parameters, size, seed: 1);
                using var bias = GuardedArray.Random(parameters, size, seed: 2);
                using var y = new GuardedArray(element, rows * size);
                LayerNormKernel.Run(x.Data, y.Data, element, rows, size, weight.Data, bias.Data, parameters, 1e-5, set);
                Check(x, y, rows, size, weight, bias);
                LayerNormKernel.Run(x.Data, y.Data, element, rows, size, null, null, parameters, 1e-5, set);
                Check(x, y, rows, size, null, null);
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_InPlaceByManyThreads_HasTheBitsOfEachRowAlone(InstructionSet set, Element element)
    {
        const long rows = 90;
        const long size = 1003;
        int width = element == Element.BFloat16 ? 2 : 4;
        using var x = GuardedArray.Random(element, rows * size, seed: 4);
        using var alone = new GuardedArray(element, rows * size);
        for (long row = 0; row < rows; row++)
        {
            long at = row * size * width;
            LayerNormKernel.Run(x.Data + at, alone.Data + at, element, 1, size, null, null, element, 1e-5, set);
        }

        InstructionSets.WithThreads(4, () => LayerNormKernel.Run(x.Data, x.Data, element, rows, size, null, null, element, 1e-5, set));
        Assert.That(x.Bytes(), Is.EqualTo(alone.Bytes()));
    }

    private static void Check(GuardedArray x, GuardedArray y, long rows, long size, GuardedArray? weight, GuardedArray? bias)
    {
        for (long row = 0; row < rows; row++)
        {
            double mean = 0;
            double variance = 0;
            for (long i = 0; i < size; i++)
            {
                mean += x[row * size + i] / (double)size;
            }

            for (long i = 0; i < size; i++)
            {
                variance += Math.Pow(x[row * size + i] - mean, 2) / size;
            }

            for (long i = 0; i < size; i++)
            {
                double expected = (x[row * size + i] - mean) / Math.Sqrt(variance + 1e-5) * (weight?[i] ?? 1) + (bias?[i] ?? 0);
                double allowed = 1e-5 + (y.Element == Element.BFloat16 ? Math.Abs(expected) / 255 : 0);
                if (!(Math.Abs(y[row * size + i] - expected) <= allowed))
                {
                    Assert.Fail($"row {row} of {rows} x {size}, number {i}: {y[row * size + i]:g9} is not {expected:g9}");
                }
            }
        }
    }
}
