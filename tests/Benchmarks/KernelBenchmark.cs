using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Benchmarks;

/// <summary>The layers that a step is made of, each in its own line.</summary>
internal static class KernelBenchmark
{
    public static void Run(Report report, Peaks peaks)
    {
        foreach (ScalarType type in new[] { ScalarType.BFloat16, ScalarType.Float32 })
        {
            Convolution(report, peaks, type);
            Linear(report, peaks, type);
            LargeAttention(report, peaks, type);
        }

        SmallAttention(report);
        Passes(report);
    }

    private static string Name(ScalarType type) => type == ScalarType.BFloat16 ? "bf16" : "f32";

    private static double PeakOf(Peaks peaks, ScalarType type) => type == ScalarType.BFloat16 ? peaks.Bfloat16 : peaks.Float32;

    private static string PeakName(ScalarType type) => type == ScalarType.BFloat16 ? "against the best product" : "against the multiply-add peak";

    private static void Convolution(Report report, Peaks peaks, ScalarType type)
    {
        foreach ((long channels, long side) in new (long, long)[] { (320, 64), (640, 32), (1280, 16) })
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = TorchExtras.channels_last(randn([2, channels, side, side]).to(type));
            Tensor weight = TorchExtras.channels_last((randn([channels, channels, 3, 3]) * 0.01).to(type));
            Tensor bias = randn(channels).to(type);
            using var packed = new PackedConv2d(weight, bias, [1, 1], [1, 1]);
            (double own, double plain) = Clock.Best(() => packed.Forward(x).Dispose(), () => F.conv2d(x, weight, bias, padding: [1, 1]).Dispose());
            double operations = 2.0 * 2 * side * side * channels * channels * 9;
            report.Add($"conv_{channels}x{side}x{side}_{Name(type)}", operations / own / 1e9, "GFLOP/s", PeakOf(peaks, type) / 1e9, operations / own / PeakOf(peaks, type), $"weights packed once, {PeakName(type)}");
            report.Add($"conv_{channels}x{side}x{side}_{Name(type)}_over_libtorch", plain / own, "times", 1, plain / own, "libtorch's own convolution in the same run");
        }
    }

    private static void Linear(Report report, Peaks peaks, ScalarType type)
    {
        foreach ((long rows, long inner, long outer) in new (long, long, long)[] { (8192, 320, 2560), (2048, 640, 5120), (512, 1280, 10240) })
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = randn(rows, inner).to(type);
            Tensor weight = (randn(outer, inner) * 0.01).to(type);
            Tensor bias = randn(outer).to(type);
            using var packed = new PackedLinear(weight, bias);
            (double own, double plain) = Clock.Best(() => packed.Forward(x).Dispose(), () => F.linear(x, weight, bias).Dispose());
            double operations = 2.0 * rows * inner * outer;
            report.Add($"linear_{rows}x{inner}x{outer}_{Name(type)}", operations / own / 1e9, "GFLOP/s", PeakOf(peaks, type) / 1e9, operations / own / PeakOf(peaks, type), $"weights packed once, {PeakName(type)}");
            report.Add($"linear_{rows}x{inner}x{outer}_{Name(type)}_over_libtorch", plain / own, "times", 1, plain / own, "libtorch's own in the same run");
        }
    }

    private static void LargeAttention(Report report, Peaks peaks, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn([3, 2, 4096, 8, 40]).to(type);
        Tensor[] parts = [.. x.unbind(0).Select(part => part.transpose(1, 2))];
        double operations = 4.0 * 16 * 4096 * 4096 * 40;
        double fused = Clock.Best(() => TorchExtras.scaled_dot_product_attention(parts[0], parts[1], parts[2]).Dispose(), 2);
        double composed = Clock.Best(() => TorchExtras.ComposedAttention(parts[0], parts[1], parts[2]).Dispose(), 2);
        string name = $"attention_16x4096x40_{Name(type)}";
        double peak = type == ScalarType.BFloat16 ? peaks.Bfloat16 : peaks.Float32;
        report.Add(name, operations / fused / 1e9, "GFLOP/s", peak / 1e9, operations / fused / peak, "fused, against the best product");
        report.Add($"{name}_over_unfused", composed / fused, "times", 1, composed / fused, "matmul, softmax, matmul in the same run");
    }

    private static void SmallAttention(Report report)
    {
        foreach ((long batch, long heads, long length, long keys, long size) in new (long, long, long, long, long)[]
        {
            (1, 1, 1, 1, 64), (1, 2, 16, 16, 8), (1, 12, 77, 77, 64), (2, 8, 64, 64, 160), (2, 8, 64, 77, 160), (2, 8, 1024, 77, 80), (1, 1, 4096, 4096, 512),
        })
        {
            foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor q = randn([batch, heads, length, size]).to(type);
                Tensor k = randn([batch, heads, keys, size]).to(type);
                Tensor v = randn([batch, heads, keys, size]).to(type);
                (double fused, double composed) = Clock.Best(
                    () => TorchExtras.scaled_dot_product_attention(q, k, v).Dispose(), () => TorchExtras.ComposedAttention(q, k, v).Dispose(), 0.4);
                report.Add($"attention_{batch * heads}x{length}x{keys}x{size}_{Name(type)}", fused * 1e6, "us", composed * 1e6, fused / composed, "fused against unfused");
            }
        }
    }

    private static void Passes(Report report)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(randn([2, 320, 64, 64]).bfloat16());
        Tensor weight = ones(320).bfloat16();
        Tensor bias = zeros(320).bfloat16();
        (double fused, double composed) = Clock.Best(
            () => TorchExtras.group_norm_silu(x, 32, weight, bias).Dispose(),
            () =>
            {
                using DisposeScope inner = NewDisposeScope();
                F.silu(F.group_norm(x, 32, weight, bias));
            });
        report.Add("group_norm_silu_320x64x64_bf16", fused * 1e6, "us", composed * 1e6, fused / composed, "in two passes, against libtorch's norm and SiLU");
        Tensor gate = randn([2, 4096, 2560]).bfloat16();
        (fused, composed) = Clock.Best(
            () => TorchExtras.geglu(gate).Dispose(),
            () =>
            {
                using DisposeScope inner = NewDisposeScope();
                Tensor[] halves = gate.chunk(2, -1);
                _ = halves[0] * F.gelu(halves[1]);
            });
        report.Add("geglu_8192x2560_bf16", fused * 1e6, "us", composed * 1e6, fused / composed, "in one pass, against libtorch's operations");
    }
}
