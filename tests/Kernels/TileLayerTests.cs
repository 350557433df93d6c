namespace Generation.Kernels.Tests;

/// <summary>Layers on AMX tiles against plain loops in double precision; where there are no tiles, that no layer is taken.</summary>
[NonParallelizable]
public sealed unsafe class TileLayerTests
{
    private int _threads;

    [SetUp]
    public void Remember() => _threads = ThreadTeam.Threads;

    [TearDown]
    public void Restore() => ThreadTeam.Threads = _threads;

    // sizes that fill tiles of 16 and 32, and others that do not; long sums that are cut into parts
    [
        TestCase(1, 96, 48),
        TestCase(16, 32, 16),
        TestCase(37, 320, 100),
        TestCase(300, 64, 320),
        TestCase(530, 5120, 32),
        TestCase(1100, 96, 320)
    ]
    public void Linear_AnySizes_EqualsPlainLoops(int rows, int features, int outputs)
    {
        using var layer = new Layer(outputs, features, 1);
        using var packed = TileLinear.TryPack(layer.Weight.Data, layer.Bias.Data, Element.Float32, outputs, features);
        using var bare = TileLinear.TryPack(layer.Weight.Data, null, Element.Float32, outputs, features);
        if (!HasTiles(packed is not null))
        {
            return;
        }

        Assert.That(packed!.Bytes, Is.GreaterThanOrEqualTo(2L * outputs * features));
        Assert.Throws<InvalidOperationException>(() => packed.RunGated(null, null, 0));
        using var x = GuardedArray.Random(Element.BFloat16, (long)rows * features, 2);
        using var added = GuardedArray.Random(Element.BFloat16, (long)rows * outputs, 3);
        using var result = new GuardedArray(Element.BFloat16, (long)rows * outputs);
        double[] expected = layer.Apply(x, 1, 1, rows);
        packed.Run(x.Data, result.Data, null, rows);
        Near(result, expected);
        bare!.Run(x.Data, result.Data, null, rows);
        Near(result, [.. expected.Select((value, i) => value - layer.Bias[i % outputs])]);
        double[] sums = [.. expected.Select((value, i) => value + added[i])];
        packed.Run(x.Data, result.Data, added.Data, rows);
        Near(result, sums);
        byte[] whole = result.Bytes();

        // alone, with other threads, in place: the same bits
        ThreadTeam.Threads = 3;
        packed.Run(x.Data, result.Data, added.Data, rows);
        Assert.That(result.Bytes(), Is.EqualTo(whole));
        packed.Run(x.Data + ((rows - 1L) * features * 2), result.Data, added.Data + ((rows - 1L) * outputs * 2), 1);
        Assert.That(result.Bytes(0, outputs), Is.EqualTo(whole[^(outputs * 2)..]));
        packed.Run(x.Data, added.Data, added.Data, rows);
        Assert.That(added.Bytes(), Is.EqualTo(whole));
    }

    [TestCase(5, 64, 16), TestCase(70, 320, 1280), TestCase(1100, 96, 64)]
    public void Gated_AnySizes_EqualsPlainLoops(int rows, int features, int outputs)
    {
        using var layer = new Layer(2 * outputs, features, 1);
        using var packed = TileLinear.TryPack(layer.Weight.Data, layer.Bias.Data, Element.Float32, 2 * outputs, features, gated: true);
        if (!HasTiles(packed is not null))
        {
            return;
        }

        Assert.Throws<InvalidOperationException>(() => packed!.Run(null, null, null, 0));
        using var x = GuardedArray.Random(Element.BFloat16, (long)rows * features, 2);
        using var result = new GuardedArray(Element.BFloat16, (long)rows * outputs);
        double[] both = layer.Apply(x, 1, 1, rows);
        packed!.RunGated(x.Data, result.Data, rows);
        Near(
            result,
            [
                .. Enumerable
                    .Range(0, rows * outputs)
                    .Select(i => (Row: i / outputs, Column: i % outputs))
                    .Select(at => both[(at.Row * 2 * outputs) + at.Column] * Gelu(both[(at.Row * 2 * outputs) + outputs + at.Column])),
            ]
        );
    }

    [
        TestCase(2, 64, 96, 32, 32),
        TestCase(3, 32, 72, 5, 7),
        TestCase(2, 2560, 32, 16, 16),
        TestCase(2, 1280, 160, 8, 8),
        TestCase(1, 320, 32, 64, 64)
    ]
    [TestCase(20, 32, 16, 4, 4), TestCase(1, 32, 40, 70, 40), TestCase(1, 32, 32, 1, 1)]
    public void Convolution_AnySizes_EqualsPlainLoops(int batch, int channels, int outputs, int height, int width)
    {
        foreach (int side in new[] { 1, 3 })
        {
            using var layer = new Layer(outputs, channels, side);
            using var packed = TileConvolution.TryPack(layer.Weight.Data, layer.NarrowBias.Data, Element.BFloat16, outputs, channels, side);
            if (!HasTiles(packed is not null))
            {
                return;
            }

            long pixels = (long)batch * height * width;
            using var x = GuardedArray.Random(Element.BFloat16, pixels * channels, 2);
            using var added = GuardedArray.Random(Element.BFloat16, pixels * outputs, 3);
            using var result = new GuardedArray(Element.BFloat16, pixels * outputs);
            double[] expected = layer.Apply(x, batch, height, width);
            packed!.Run(x.Data, result.Data, null, batch, height, width);
            Near(result, expected);
            packed.Run(x.Data, result.Data, added.Data, batch, height, width);
            Near(result, [.. expected.Select((value, i) => value + added[i])]);
            byte[] whole = result.Bytes();

            ThreadTeam.Threads = 3;
            packed.Run(x.Data, result.Data, added.Data, batch, height, width);
            Assert.That(result.Bytes(), Is.EqualTo(whole));
            long last = (batch - 1L) * height * width * 2;
            packed.Run(x.Data + (last * channels), result.Data, added.Data + (last * outputs), 1, height, width);
            Assert.That(result.Bytes(0, (long)height * width * outputs), Is.EqualTo(whole[^(height * width * outputs * 2)..]));
            packed.Run(x.Data, added.Data, added.Data, batch, height, width);
            Assert.That(added.Bytes(), Is.EqualTo(whole));
            ThreadTeam.Threads = _threads;
        }
    }

    [TestCase(320, 4, 3), TestCase(8, 320, 3), TestCase(320, 320, 5), TestCase(320, 48, 1)]
    public void TryPack_SizesThatFillNoTiles_IsNull(int outputs, int channels, int side)
    {
        using var layer = new Layer(outputs, channels, side);
        Assert.That(TileConvolution.TryPack(layer.Weight.Data, null, Element.Float32, outputs, channels, side), Is.Null);
    }

    [Test]
    public void TryPack_LesserInstructions_IsNull()
    {
        using var layer = new Layer(64, 64, 1);
        Assert.That(TileLinear.TryPack(layer.Weight.Data, null, Element.Float32, 64, 64, gated: false, InstructionSet.Avx512Bf16), Is.Null);
    }

    // a machine without tiles takes no layer, and says so
    private static bool HasTiles(bool packed)
    {
        bool has = NativeKernels.Instructions == InstructionSet.AmxBf16;
        Assert.That(packed, Is.EqualTo(has), NativeKernels.Sentence);
        Assert.That(NativeKernels.Sentence.Contains("on AMX kernels", StringComparison.Ordinal), Is.EqualTo(has));
        return has;
    }

    private static double Gelu(double x)
    {
        // the error function by its series, and by 1 where it is that
        double t = x / Math.Sqrt(2);
        double term = t;
        double sum = t;
        for (int n = 1; n < 200; n++)
        {
            term *= -t * t / n;
            sum += term / ((2 * n) + 1);
        }

        double error = Math.Abs(t) > 5 ? Math.Sign(t) : 2 / Math.Sqrt(Math.PI) * sum;
        return x * (1 + error) / 2;
    }

    // half a unit in the last place of a bfloat16 number is a 512th; the rest is for sums in float32
    private static void Near(GuardedArray actual, double[] expected)
    {
        Assert.That(actual.Count, Is.EqualTo(expected.Length));
        for (int i = 0; i < expected.Length; i++)
        {
            double tolerance = (Math.Abs(expected[i]) / 250) + 1e-3;
            if (!(Math.Abs(actual[i] - expected[i]) <= tolerance))
            {
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(tolerance), $"at {i}");
            }
        }
    }

    /// <summary>Weight and bias of a layer, and what it gives by plain loops.</summary>
    private sealed class Layer : IDisposable
    {
        private readonly int _outputs;
        private readonly int _features;
        private readonly int _side;

        public Layer(int outputs, int features, int side)
        {
            (_outputs, _features, _side) = (outputs, features, side);
            Weight = GuardedArray.Random(
                Element.BFloat16,
                (long)outputs * features * side * side,
                4,
                deviation: 1 / (side * Math.Sqrt(features))
            );
            NarrowBias = GuardedArray.Random(Element.BFloat16, outputs, 3);
            Bias = new(Element.Float32, outputs);
            for (int i = 0; i < outputs; i++)
            {
                ((float*)Bias.Data)[i] = (float)NarrowBias[i];
            }
        }

        public GuardedArray Weight { get; }

        public GuardedArray Bias { get; }

        public GuardedArray NarrowBias { get; }

        public double[] Apply(GuardedArray x, int batch, int height, int width)
        {
            double[] input = x.ToDoubles();
            double[] weight = Weight.ToDoubles();
            double[] result = new double[(long)batch * height * width * _outputs];
            int border = _side / 2;
            Parallel.For(0, batch * height * width, pixel =>
            {
                int line = pixel / width % height;
                int column = pixel % width;
                for (int o = 0; o < _outputs; o++)
                {
                    double sum = Bias[o];
                    for (int tap = 0; tap < _side * _side; tap++)
                    {
                        int dy = (tap / _side) - border;
                        int dx = (tap % _side) - border;
                        if (line + dy < 0 || line + dy >= height || column + dx < 0 || column + dx >= width)
                        {
                            continue;
                        }

                        int from = (pixel + (dy * width) + dx) * _features;
                        for (int f = 0; f < _features; f++)
                        {
                            sum += input[from + f] * weight[(((o * _features) + f) * _side * _side) + tap];
                        }
                    }

                    result[((long)pixel * _outputs) + o] = sum;
                }
            });
            return result;
        }

        public void Dispose()
        {
            Weight.Dispose();
            Bias.Dispose();
            NarrowBias.Dispose();
        }
    }
}
