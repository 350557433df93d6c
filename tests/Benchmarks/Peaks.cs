using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>Operations a second (a multiply-add counts twice) that this machine reaches over all threads, measured in this run.</summary>
/// <param name="Float32">A loop of nothing but multiply-adds on vectors.</param>
/// <param name="VectorBfloat16">The same in bfloat16; 0 where the processor has no such vectors.</param>
/// <param name="TileBfloat16">The same on tiles; 0 where the processor has none.</param>
/// <param name="BestProduct">The fastest large product or convolution in bfloat16: what the processor does with numbers that come from memory, on tiles where it has them.</param>
internal sealed record Peaks(double Float32, double VectorBfloat16, double TileBfloat16, double BestProduct)
{
    /// <summary>The multiply-add peak: the faster plain loop of fused multiply-adds on vectors, bfloat16's or, where that is none, float32's. Tiles go beyond it.</summary>
    public double MultiplyAdd => Math.Max(VectorBfloat16, Float32);

    public static Peaks Measure() => new(
        NativeBenchmark.Peak(PeakKind.Float32),
        NativeBenchmark.Peak(PeakKind.VectorBfloat16),
        NativeBenchmark.Peak(PeakKind.TileBfloat16),
        new[] { Convolution(320, 64), Convolution(640, 32), Product(8192, 320, 1280), Product(4096, 4096, 4096) }.Max());

    private static double Convolution(long channels, long side)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(randn([2, channels, side, side]).bfloat16());
        Tensor weight = TorchExtras.channels_last((randn([channels, channels, 3, 3]) * 0.01).bfloat16());
        using var packed = new PackedConv2d(weight, null, [1, 1], [1, 1]);
        return 2.0 * 2 * side * side * channels * channels * 9 / Clock.Best(() => packed.Forward(x).Dispose(), 0.5);
    }

    private static double Product(long rows, long inner, long outer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(rows, inner).bfloat16();
        Tensor weight = (randn(outer, inner) * 0.01).bfloat16();
        using var packed = new PackedLinear(weight, null);
        return 2.0 * rows * inner * outer / Clock.Best(() => packed.Forward(x).Dispose(), 0.5);
    }
}
