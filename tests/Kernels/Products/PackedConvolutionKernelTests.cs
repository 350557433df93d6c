using Generation.Kernels.Products;

namespace Generation.Kernels.Tests.Products;

/// <summary>Against sums in double precision; the bound is that of any order of additions in float32.</summary>
[NonParallelizable]
public sealed unsafe class PackedConvolutionKernelTests
{
    private const double Unit = 1.0 / (1 << 24);

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_AnyShape_IsTheConvolution(InstructionSet set, Element element)
    {
        foreach (
            Shape shape in new Shape[]
            {
                new(2, 5, 7, 3, 5, 3, 1, 1),
                new(1, 9, 8, 4, 33, 3, 1, 1),
                new(3, 6, 5, 40, 17, 3, 2, 1),
                new(2, 7, 6, 21, 40, 1, 1, 0),
                new(1, 8, 8, 330, 4, 3, 1, 1),
                new(2, 9, 9, 6, 3, 3, 2, 0),
                new(1, 6, 9, 130, 70, 3, 1, 1),
                new(2, 4, 5, 5, 6, 1, 2, 0),
                new(1, 1, 1, 9, 3, 3, 1, 1),
                new(1, 7, 8, 2, 3, 5, 3, 2),
                new(2, 9, 11, 48, 32, 3, 1, 1),
                new(1, 8, 8, 352, 48, 3, 1, 1),
                new(3, 13, 10, 32, 80, 3, 1, 1),
                new(1, 13, 40, 64, 96, 3, 1, 1),
            }
        )
        {
            using var layer = new Layer(element, shape);
            using PackedConvolutionKernel kernel = layer.Pack(set);
            using var result = new GuardedArray(element, layer.Added.Count, atEnd: shape.Batch == 1);
            kernel.Run(layer.X.Data, result.Data, null, element, shape.Batch, shape.Height, shape.Width);
            layer.AssertEqual(result, added: false);

            using var beside = new GuardedArray(element, layer.Added.Count, atEnd: shape.Batch != 1);
            kernel.Run(layer.X.Data, beside.Data, layer.Added.Data, element, shape.Batch, shape.Height, shape.Width);
            layer.AssertEqual(beside, added: true);

            for (long i = 0; i < result.Count; i++)
            {
                result[i] = layer.Added[i];
            }

            kernel.Run(layer.X.Data, result.Data, result.Data, element, shape.Batch, shape.Height, shape.Width);
            Assert.That(result.Bytes(), Is.EqualTo(beside.Bytes()), "in place");
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_APictureAlone_HasTheSameBits(InstructionSet set, Element element)
    {
        foreach (
            Shape shape in new Shape[] { new(3, 17, 11, 72, 90, 3, 1, 1), new(2, 9, 17, 336, 96, 3, 1, 1), new(3, 8, 8, 32, 48, 3, 1, 1) }
        )
        {
            AssertSameBits(set, element, shape);
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.Vectors))]
    public void Run_ByWinograd_IsAboutAsExactAsThePlainSum(InstructionSet set)
    {
        var shape = new Shape(1, 16, 16, 320, 32, 3, 1, 1);
        using var layer = new Layer(Element.Float32, shape);
        using PackedConvolutionKernel kernel = layer.Pack(set);
        using var plain = new GuardedArray(Element.Float32, layer.Added.Count);
        using var winograd = new GuardedArray(Element.Float32, layer.Added.Count);
        kernel.Run(layer.X.Data, plain.Data, null, Element.Float32, shape.Batch, shape.Height, shape.Width, winograd: false);
        kernel.Run(layer.X.Data, winograd.Data, null, Element.Float32, shape.Batch, shape.Height, shape.Width, winograd: true);
        (double rms, double largest) = layer.Errors(plain);
        (double winogradRms, double winogradLargest) = layer.Errors(winograd);
        TestContext.Out.WriteLine($"plain {rms:e2} (largest {largest:e2}), Winograd {winogradRms:e2} ({winogradLargest:e2})");
        Assert.Multiple(() =>
        {
            Assert.That(winogradRms, Is.LessThan(2.5 * rms).And.Not.EqualTo(rms));
            Assert.That(winogradLargest, Is.LessThan(4 * largest));
        });
    }

    private static void AssertSameBits(InstructionSet set, Element element, Shape shape)
    {
        using var layer = new Layer(element, shape);
        using PackedConvolutionKernel kernel = layer.Pack(set);
        byte[]? first = null;
        foreach (int threads in new[] { 1, 2, 7 })
        {
            InstructionSets.WithThreads(threads, () =>
            {
                using var result = new GuardedArray(element, layer.Added.Count);
                kernel.Run(layer.X.Data, result.Data, layer.Added.Data, element, shape.Batch, shape.Height, shape.Width);
                first ??= result.Bytes();
                Assert.That(result.Bytes(), Is.EqualTo(first), $"{threads} threads");
                int size = first.Length / (int)layer.Added.Count;
                int inputs = shape.Height * shape.Width * shape.Channels * size;
                int outputs = first.Length / shape.Batch;
                for (int picture = 0; picture < shape.Batch; picture++)
                {
                    using var alone = new GuardedArray(element, layer.Added.Count / shape.Batch);
                    byte* x = layer.X.Data + (picture * inputs);
                    kernel.Run(x, alone.Data, layer.Added.Data + (picture * outputs), element, 1, shape.Height, shape.Width);
                    Assert.That(alone.Bytes(), Is.EqualTo(first.Skip(picture * outputs).Take(outputs)), $"picture {picture}");
                }
            });
        }
    }

    private sealed record Shape(int Batch, int Height, int Width, int Channels, int Outputs, int Size, int Stride, int Padding)
    {
        public int ResultHeight => ((Height + (2 * Padding) - Size) / Stride) + 1;

        public int ResultWidth => ((Width + (2 * Padding) - Size) / Stride) + 1;
    }

    private sealed class Layer : IDisposable
    {
        private readonly Element _element;
        private readonly Shape _shape;
        private readonly GuardedArray _weight;
        private readonly GuardedArray _bias;
        private readonly float[] _x;
        private readonly float[] _w;

        public Layer(Element element, Shape shape)
        {
            (_element, _shape) = (element, shape);
            long pixels = (long)shape.Batch * shape.Height * shape.Width;
            X = GuardedArray.Random(element, pixels * shape.Channels, 1, atEnd: shape.Outputs % 2 == 0);
            Added = GuardedArray.Random(element, (long)shape.Batch * shape.ResultHeight * shape.ResultWidth * shape.Outputs, 2);
            _weight = GuardedArray.Random(element, (long)shape.Outputs * shape.Channels * shape.Size * shape.Size, 3);
            _bias = GuardedArray.Random(element, shape.Outputs, 4);
            _x = [.. Enumerable.Range(0, (int)X.Count).Select(i => X[i])];
            _w = [.. Enumerable.Range(0, (int)_weight.Count).Select(i => _weight[i])];
        }

        public GuardedArray X { get; }

        public GuardedArray Added { get; }

        public PackedConvolutionKernel Pack(InstructionSet set) =>
            PackedConvolutionKernel.Pack(
                set,
                _weight.Data,
                _element,
                _bias.Data,
                _element,
                _shape.Outputs,
                _shape.Channels,
                _shape.Size,
                _shape.Size,
                _shape.Stride,
                _shape.Padding
            );

        /// <summary>A result's errors, over the root mean square of the exact numbers: their root mean square, and the largest.</summary>
        public (double Rms, double Largest) Errors(GuardedArray result)
        {
            double squares = 0;
            double errors = 0;
            double largest = 0;
            for (long at = 0; at < result.Count; at++)
            {
                long pixel = at / _shape.Outputs;
                int row = (int)(pixel / _shape.ResultWidth % _shape.ResultHeight);
                int picture = (int)(pixel / _shape.ResultWidth / _shape.ResultHeight);
                double value = Sum(picture, row, (int)(pixel % _shape.ResultWidth), (int)(at % _shape.Outputs)).Value;
                double error = Math.Abs(result[at] - value);
                squares += value * value;
                errors += error * error;
                largest = Math.Max(largest, error);
            }

            return (Math.Sqrt(errors / squares), largest / Math.Sqrt(squares / result.Count));
        }

        public void AssertEqual(GuardedArray result, bool added)
        {
            long at = 0;
            for (int picture = 0; picture < _shape.Batch; picture++)
            {
                for (int row = 0; row < _shape.ResultHeight; row++)
                {
                    for (int column = 0; column < _shape.ResultWidth; column++)
                    {
                        for (int output = 0; output < _shape.Outputs; output++, at++)
                        {
                            (double value, double size) = Sum(picture, row, column, output);
                            double more = added ? Added[at] : 0;
                            double rounding = Math.Abs(value + more) * (_element == Element.Float32 ? Unit : 1.0 / 256);
                            int terms = (_shape.Channels * _shape.Size * _shape.Size) + 2;
                            double bound = (terms * Unit * (size + Math.Abs(more))) + rounding;
                            if (!(Math.Abs(result[at] - value - more) <= bound))
                            {
                                Assert.Fail(
                                    $"{_shape}: {picture}, {row}, {column}, {output} is {result[at]}, not {value + more} +- {bound}"
                                );
                            }
                        }
                    }
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

        /// <summary>A number of the layer's result, and the sum of its terms' sizes.</summary>
        private (double Value, double Size) Sum(int picture, int row, int column, int output)
        {
            double value = _bias[output];
            double size = Math.Abs(value);
            for (int down = 0; down < _shape.Size; down++)
            {
                for (int right = 0; right < _shape.Size; right++)
                {
                    int y = (row * _shape.Stride) + down - _shape.Padding;
                    int x = (column * _shape.Stride) + right - _shape.Padding;
                    if (y < 0 || y >= _shape.Height || x < 0 || x >= _shape.Width)
                    {
                        continue;
                    }

                    int pixel = ((((picture * _shape.Height) + y) * _shape.Width) + x) * _shape.Channels;
                    int taps = _shape.Size * _shape.Size;
                    int weight = (output * _shape.Channels * taps) + (down * _shape.Size) + right;
                    for (int channel = 0; channel < _shape.Channels; channel++)
                    {
                        double term = (double)_x[pixel + channel] * _w[weight + (channel * taps)];
                        value += term;
                        size += Math.Abs(term);
                    }
                }
            }

            return (value, size);
        }
    }
}
