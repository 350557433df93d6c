using System.Globalization;
using Generation.Kernels;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Benchmarks;

/// <summary>The layers that a step and a decode are made of, each in its own line: ours and libtorch's own take turns.</summary>
internal sealed class KernelBenchmark(Report report, Peaks peaks, ScalarType type)
{
    private readonly string _type = type == ScalarType.BFloat16 ? "bf16" : "f32";

    public void Run()
    {
        foreach (
            (long batch, long channels, long outputs, long side) in new (long, long, long, long)[]
            {
                (2, 320, 320, 64),
                (2, 640, 640, 32),
                (2, 1280, 1280, 16),
                (2, 1280, 1280, 8),
                (2, 2560, 1280, 16),
                (1, 512, 512, 128),
                (1, 256, 256, 256),
                (1, 128, 128, 512),
            }
        )
        {
            Convolution(batch, channels, outputs, side);
        }

        foreach ((long rows, long features) in new (long, long)[] { (8192, 320), (2048, 640), (512, 1280) })
        {
            Linear(rows, features, features);
            Linear(rows, features * 4, features);
            Geglu(rows, features, features * 8);
        }

        foreach (
            (long batch, long heads, long length, long keys, long size) in new (long, long, long, long, long)[]
            {
                (2, 8, 4096, 4096, 40),
                (2, 8, 1024, 1024, 80),
                (2, 8, 256, 256, 160),
                (2, 8, 4096, 77, 40),
                (2, 8, 1024, 77, 80),
                (1, 1, 4096, 4096, 512),
                (1, 12, 77, 77, 64),
            }
        )
        {
            Attention(batch, heads, length, keys, size);
        }

        GroupNorm(2, 320, 64);
        GroupNorm(2, 1280, 16);
        GroupNorm(1, 128, 512);
        LayerNorm(8192, 320);
        LayerNorm(512, 1280);
    }

    private void Convolution(long batch, long channels, long outputs, long side)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(Random(batch, channels, side, side));
        Tensor weight = TorchExtras.channels_last(Random(outputs, channels, 3, 3) * 0.01);
        Tensor bias = Random(outputs);
        using var packed = new PackedConv2d(weight, bias, [1, 1], [1, 1]);
        Compare(
            $"conv_{channels}to{outputs}_{side}x{side}",
            2.0 * batch * side * side * channels * outputs * 9,
            () => packed.Forward(x),
            () => F.conv2d(x, weight, bias, padding: [1, 1])
        );
    }

    private void Linear(long rows, long features, long outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Random(rows, features);
        Tensor weight = Random(outputs, features) * 0.01;
        Tensor bias = Random(outputs);
        using var packed = new PackedLinear(weight, bias);
        Compare(
            $"linear_{rows}x{features}to{outputs}",
            2.0 * rows * features * outputs,
            () => packed.Forward(x),
            () => F.linear(x, weight, bias)
        );
    }

    private void Geglu(long rows, long features, long outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Random(rows, features);
        Tensor weight = Random(outputs, features) * 0.01;
        Tensor bias = Random(outputs);
        using var packed = new PackedLinear(weight, bias);
        Compare(
            $"geglu_{rows}x{features}to{outputs}",
            2.0 * rows * features * outputs,
            () => packed.ForwardGeglu(x),
            () =>
            {
                using DisposeScope inner = NewDisposeScope();
                Tensor[] halves = F.linear(x, weight, bias).chunk(2, -1);
                return (halves[0] * halves[1].gelu()).MoveToOuterDisposeScope();
            }
        );
    }

    private void Attention(long batch, long heads, long length, long keys, long size)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor Heads(long count) => Random(batch, count, heads, size).transpose(1, 2);
        Tensor query = Heads(length),
            key = Heads(keys),
            value = Heads(keys);
        Compare(
            $"attention_{batch * heads}x{length}x{keys}x{size}",
            4.0 * batch * heads * length * keys * size,
            () => TorchExtras.scaled_dot_product_attention(query, key, value),
            () => F.scaled_dot_product_attention(query, key, value)
        );
    }

    private void GroupNorm(long batch, long channels, long side)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(Random(batch, channels, side, side));
        Tensor weight = Random(channels);
        Tensor bias = Random(channels);
        Compare(
            $"group_norm_silu_{channels}_{side}x{side}",
            operations: 0,
            () => TorchExtras.group_norm_silu(x, 32, weight, bias),
            () =>
            {
                using Tensor normed = F.group_norm(x, 32, weight, bias);
                return F.silu(normed);
            }
        );
    }

    private void LayerNorm(long rows, long features)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Random(rows, features);
        Tensor weight = Random(features);
        Tensor bias = Random(features);
        Compare(
            $"layer_norm_{rows}x{features}",
            operations: 0,
            () => TorchExtras.layer_norm(x, weight, bias),
            () => F.layer_norm(x, [features], weight, bias)
        );
    }

    private Tensor Random(params long[] shape) => randn(shape).to(type);

    /// <param name="operations">Multiply-adds, counted twice; 0 for what memory bounds.</param>
    private void Compare(string name, double operations, Func<Tensor> own, Func<Tensor> plain)
    {
        (double ours, double theirs) = Clock.Best(() => own().Dispose(), () => plain().Dispose(), 1.0);
        double speed = operations / ours,
            peak = peaks.Of(_type, Processor.Allowed);
        string share = peak > 0 ? string.Create(CultureInfo.InvariantCulture, $", {speed / peak:0.00} of the multiply-add peak") : "";
        string note = operations == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {speed / 1e9:0} GFLOP/s{share}");
        report.Add($"{name}_{_type}", ours * 1e6, "us", theirs * 1e6, theirs / ours, $"ratio: libtorch's own time over ours{note}");
    }
}
