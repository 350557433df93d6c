using Generation.Kernels.Products;

namespace Generation.Kernels.Tests.Products;

/// <summary>Against sums in double precision; the bound is that of any order of additions in float32.</summary>
[NonParallelizable]
public sealed unsafe class PackedLinearKernelTests
{
    private const double Unit = 1.0 / (1 << 24);

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_AnySize_IsTheProduct(InstructionSet set, Element element)
    {
        foreach (
            (int rows, int features, int outputs) in new[]
            {
                (1, 1, 1),
                (2, 3, 8),
                (5, 320, 33),
                (14, 321, 32),
                (15, 7, 17),
                (29, 644, 31),
                (155, 65, 330),
                (400, 36, 4),
                (3, 1283, 650),
            }
        )
        {
            using var task = new Layer(element, rows, features, outputs);
            using PackedLinearKernel kernel = task.Pack(set, gated: false);
            using var result = new GuardedArray(element, (long)rows * outputs, atEnd: rows % 2 == 0);
            kernel.Run(task.X.Data, result.Data, null, element, rows);
            task.AssertEqual(result, added: false);

            using var beside = new GuardedArray(element, (long)rows * outputs, atEnd: rows % 2 == 1);
            kernel.Run(task.X.Data, beside.Data, task.Added.Data, element, rows);
            task.AssertEqual(beside, added: true);

            for (long i = 0; i < result.Count; i++)
            {
                result[i] = task.Added[i];
            }

            kernel.Run(task.X.Data, result.Data, result.Data, element, rows);
            Assert.That(result.Bytes(), Is.EqualTo(beside.Bytes()), "in place");
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void RunGated_AnySize_IsTheFirstHalfTimesGeluOfTheSecond(InstructionSet set, Element element)
    {
        foreach ((int rows, int features, int outputs) in new[] { (1, 1, 2), (15, 7, 34), (29, 644, 66), (155, 65, 320), (40, 1, 500) })
        {
            using var task = new Layer(element, rows, features, outputs);
            using PackedLinearKernel kernel = task.Pack(set, gated: true);
            using var result = new GuardedArray(element, (long)rows * outputs / 2);
            kernel.RunGated(task.X.Data, result.Data, element, rows);
            for (int row = 0; row < rows; row++)
            {
                for (int j = 0; j < outputs / 2; j++)
                {
                    (double value, double size) = task.Sum(row, j);
                    (double gate, double gateSize) = task.Sum(row, (outputs / 2) + j);
                    double gelu = gate * NormalDistribution(gate);
                    double bound =
                        (
                            ((features + 8) * Unit * ((size * Math.Abs(gelu)) + (1.13 * gateSize * Math.Abs(value))))
                            + (8 * Unit * Math.Abs(value * gate))
                            + Rounding(element, value * gelu)
                        ) + 1e-30;
                    AssertNear(result[((long)row * outputs / 2) + j], value * gelu, bound, row, j);
                }
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_ARowAlone_HasTheSameBits(InstructionSet set, Element element)
    {
        const int rows = 231,
            features = 700,
            outputs = 700;
        using var task = new Layer(element, rows, features, outputs);
        using PackedLinearKernel kernel = task.Pack(set, gated: false);
        using PackedLinearKernel gated = task.Pack(set, gated: true);
        int size = element == Element.Float32 ? sizeof(float) : sizeof(ushort);
        byte[]? first = null;
        byte[]? firstGated = null;
        foreach (int threads in new[] { 1, 2, 7 })
        {
            InstructionSets.WithThreads(threads, () =>
            {
                using var result = new GuardedArray(element, rows * outputs);
                using var half = new GuardedArray(element, rows * outputs / 2);
                kernel.Run(task.X.Data, result.Data, task.Added.Data, element, rows);
                gated.RunGated(task.X.Data, half.Data, element, rows);
                first ??= result.Bytes();
                firstGated ??= half.Bytes();
                Assert.That(result.Bytes(), Is.EqualTo(first), $"{threads} threads");
                Assert.That(half.Bytes(), Is.EqualTo(firstGated), $"{threads} threads, gated");
                foreach (int row in new[] { 0, 14, 100, 230 })
                {
                    using var alone = new GuardedArray(element, outputs);
                    kernel.Run(task.X.Data + (row * features * size), alone.Data, task.Added.Data + (row * outputs * size), element, 1);
                    Assert.That(alone.Bytes(), Is.EqualTo(first.Skip(row * outputs * size).Take(outputs * size)), $"row {row}");
                }
            });
        }
    }

    [Test]
    public void Pack_BFloat16_TakesTheMemoryOfTheWeight()
    {
        using var task = new Layer(Element.BFloat16, 1, 640, 1280);
        foreach (InstructionSet set in InstructionSets.Vectors)
        {
            using PackedLinearKernel kernel = task.Pack(set, gated: false);
            Assert.That(kernel.Bytes, Is.EqualTo((640 * 1280 * sizeof(ushort)) + (1280 * sizeof(float))));
        }
    }

    [Test]
    public void Run_PackedForTheOther_Throws()
    {
        using var task = new Layer(Element.Float32, 1, 8, 16);
        foreach (InstructionSet set in InstructionSets.Vectors)
        {
            using PackedLinearKernel kernel = task.Pack(set, gated: false);
            using PackedLinearKernel gated = task.Pack(set, gated: true);
            Assert.Throws<InvalidOperationException>(() => gated.Run(task.X.Data, task.X.Data, null, Element.Float32, 1));
            Assert.Throws<InvalidOperationException>(() => kernel.RunGated(task.X.Data, task.X.Data, Element.Float32, 1));
        }
    }

    private static void AssertNear(double value, double expected, double bound, int row, int column)
    {
        if (!(Math.Abs(value - expected) <= bound))
        {
            Assert.Fail($"row {row}, column {column}: {value} in place of {expected}, more than {bound} away");
        }
    }

    private static double Rounding(Element element, double value) => Math.Abs(value) * (element == Element.Float32 ? Unit : 1.0 / 256);

    /// <summary>The share of the normal distribution below <paramref name="x"/>, by Simpson's rule.</summary>
    private static double NormalDistribution(double x)
    {
        const int steps = 400;
        double end = Math.Clamp(x, -10, 10);
        double width = end / steps;
        double sum = 1 + Math.Exp(-end * end / 2);
        for (int i = 1; i < steps; i++)
        {
            double at = width * i;
            sum += Math.Exp(-at * at / 2) * (i % 2 == 0 ? 2 : 4);
        }

        return 0.5 + (sum * width / 3 / Math.Sqrt(2 * Math.PI));
    }

    private sealed class Layer : IDisposable
    {
        private readonly Element _element;
        private readonly int _rows;
        private readonly int _features;
        private readonly int _outputs;
        private readonly GuardedArray _weight;
        private readonly GuardedArray _bias;
        private readonly float[] _x;
        private readonly float[] _w;

        public Layer(Element element, int rows, int features, int outputs)
        {
            (_element, _rows, _features, _outputs) = (element, rows, features, outputs);
            X = GuardedArray.Random(element, (long)rows * features, 1, atEnd: rows % 2 == 0);
            Added = GuardedArray.Random(element, (long)rows * outputs, 2);
            _weight = GuardedArray.Random(element, (long)outputs * features, 3);
            _bias = GuardedArray.Random(element, outputs, 4);
            _x = [.. Enumerable.Range(0, (int)X.Count).Select(i => X[i])];
            _w = [.. Enumerable.Range(0, (int)_weight.Count).Select(i => _weight[i])];
        }

        public GuardedArray X { get; }

        public GuardedArray Added { get; }

        public PackedLinearKernel Pack(InstructionSet set, bool gated) =>
            PackedLinearKernel.Pack(set, _weight.Data, _element, _bias.Data, _element, _outputs, _features, gated);

        /// <summary>A number of the layer's result, and the sum of its terms' sizes.</summary>
        public (double Value, double Size) Sum(int row, int output)
        {
            double value = _bias[output];
            double size = Math.Abs(value);
            for (int k = 0; k < _features; k++)
            {
                double term = (double)_x[(row * _features) + k] * _w[(output * _features) + k];
                value += term;
                size += Math.Abs(term);
            }

            return (value, size);
        }

        public void AssertEqual(GuardedArray result, bool added)
        {
            for (int row = 0; row < _rows; row++)
            {
                for (int output = 0; output < _outputs; output++)
                {
                    (double value, double size) = Sum(row, output);
                    long at = ((long)row * _outputs) + output;
                    double more = added ? Added[at] : 0;
                    double bound = ((_features + 2) * Unit * (size + Math.Abs(more))) + Rounding(_element, value + more);
                    AssertNear(result[at], value + more, bound, row, output);
                }
            }
        }

        public void Dispose()
        {
            X.Dispose();
            Added.Dispose();
            _weight.Dispose();
            _bias.Dispose();
        }
    }
}
