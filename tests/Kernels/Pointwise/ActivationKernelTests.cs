using Generation.Kernels.Pointwise;

namespace Generation.Kernels.Tests.Pointwise;

public sealed unsafe class ActivationKernelTests
{
    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void SiluAndGelu_AllSizesOfNumbers_AreTheDefinition(InstructionSet set, Element element)
    {
        foreach (long count in new long[] { 1, 7, 8, 15, 16, 17, 1001, 100003 })
        {
            using var x = GuardedArray.Random(element, count, seed: (int)count, deviation: 4);
            using var silu = new GuardedArray(element, count);
            using var gelu = new GuardedArray(element, count, atEnd: false);
            ActivationKernel.Silu(x.Data, silu.Data, element, count, set);
            ActivationKernel.Gelu(x.Data, gelu.Data, element, count, set);
            for (long i = 0; i < count; i++)
            {
                Near(silu[i], Exact.Silu(x[i]), element, x[i]);
                Near(gelu[i], Exact.Gelu(x[i]), element, x[i]);
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void SiluAndGelu_FarOutNumbers_KeepTheirLimits(InstructionSet set, Element element)
    {
        float[] values = [0, -0f, 1e-30f, -1e-30f, 11.9f, 12.1f, -11.9f, -12.5f, 50, -50, 86, -86, 200, -200, 1e30f, -1e30f, float.NaN];
        using var x = new GuardedArray(element, values.Length);
        for (int i = 0; i < values.Length - 1; i++)
        {
            x[i] = values[i];
        }

        SetToNaN(x, values.Length - 1);
        using var silu = new GuardedArray(element, values.Length);
        using var gelu = new GuardedArray(element, values.Length);
        ActivationKernel.Silu(x.Data, silu.Data, element, values.Length, set);
        ActivationKernel.Gelu(x.Data, gelu.Data, element, values.Length, set);
        for (int i = 0; i < values.Length - 1; i++)
        {
            Near(silu[i], Exact.Silu(x[i]), element, x[i]);
            Near(gelu[i], Exact.Gelu(x[i]), element, x[i]);
        }

        Assert.That(silu[values.Length - 1], Is.NaN);
        Assert.That(gelu[values.Length - 1], Is.NaN);
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Geglu_AnyRows_IsTheProductOfHalves(InstructionSet set, Element element)
    {
        foreach ((long rows, long size) in new (long, long)[] { (1, 1), (3, 5), (2, 16), (5, 33), (100, 1280), (1, 40000) })
        {
            using var x = GuardedArray.Random(element, rows * 2 * size, seed: (int)size, deviation: 2);
            using var y = new GuardedArray(element, rows * size);
            ActivationKernel.Geglu(x.Data, y.Data, element, rows, size, set);
            for (long i = 0; i < rows * size; i++)
            {
                float factor = x[i / size * 2 * size + i % size];
                float gate = x[i / size * 2 * size + size + i % size];
                Near(y[i], factor * Exact.Gelu(gate), element, Math.Abs(factor) * Math.Max(1, Math.Abs(gate)));
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Geglu_OneThreadOrMany_ARowAloneOrAmongOthers_HasTheSameBits(InstructionSet set, Element element)
    {
        const long rows = 70;
        const long size = 1283;
        using var x = GuardedArray.Random(element, rows * 2 * size, seed: 5);
        using var many = new GuardedArray(element, rows * size);
        using var one = new GuardedArray(element, rows * size);
        InstructionSets.WithThreads(4, () => ActivationKernel.Geglu(x.Data, many.Data, element, rows, size, set));
        int width = element == Element.BFloat16 ? 2 : 4;
        InstructionSets.WithThreads(1, () =>
        {
            for (long row = 0; row < rows; row++)
            {
                ActivationKernel.Geglu(x.Data + row * 2 * size * width, one.Data + row * size * width, element, 1, size, set);
            }
        });
        Assert.That(many.Bytes(), Is.EqualTo(one.Bytes()));
    }

    private static void SetToNaN(GuardedArray array, long index)
    {
        if (array.Element == Element.BFloat16)
        {
            ((ushort*)array.Data)[index] = 0x7fc0;
        }
        else
        {
            array[index] = float.NaN;
        }
    }

    // float32: within 1e-6 of the value's size, at least 1; bfloat16: half of its last place more
    private static void Near(float actual, double expected, Element element, double size)
    {
        double allowed = 1e-6 * Math.Max(1, Math.Abs(size)) + (element == Element.BFloat16 ? Math.Abs(expected) / 255 : 0);
        if (!(Math.Abs(actual - expected) <= allowed))
        {
            Assert.Fail($"{actual:g9} is not {expected:g9}");
        }
    }
}
