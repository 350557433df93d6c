using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>Operations a second (a multiply-add counts twice) that this machine reaches over all threads, measured in this run.</summary>
/// <param name="Float32">The fastest large product or convolution in float32.</param>
/// <param name="Bfloat16">The fastest large product or convolution in bfloat16.</param>
internal sealed record Peaks(double Float32, double Bfloat16)
{
    public static Peaks Measure() => new(Best(ScalarType.Float32), Best(ScalarType.BFloat16));

    private static double Best(ScalarType type) =>
        new[] { Convolution(320, 64, type), Convolution(640, 32, type), Product(8192, 320, 1280, type), Product(4096, 4096, 4096, type) }.Max();

    private static double Convolution(long channels, long side, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(randn([2, channels, side, side]).to(type));
        Tensor weight = TorchExtras.channels_last((randn([channels, channels, 3, 3]) * 0.01).to(type));
        using var packed = new PackedConv2d(weight, null, [1, 1], [1, 1]);
        return 2.0 * 2 * side * side * channels * channels * 9 / Clock.Best(() => packed.Forward(x).Dispose(), 0.5);
    }

    private static double Product(long rows, long inner, long outer, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(rows, inner).to(type);
        Tensor weight = (randn(outer, inner) * 0.01).to(type);
        using var packed = new PackedLinear(weight, null);
        return 2.0 * rows * inner * outer / Clock.Best(() => packed.Forward(x).Dispose(), 0.5);
    }
}
