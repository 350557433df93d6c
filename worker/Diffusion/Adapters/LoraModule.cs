using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Adapters;

/// <summary>The low-rank change of one layer as a file has it: up times down, times alpha over the rank.</summary>
internal sealed class LoraModule : IDisposable
{
    /// <param name="network">The network's name as in <see cref="LoraKeys"/>.</param>
    /// <param name="layer">The layer's name in that network, dots or underscores.</param>
    public LoraModule(string network, string layer)
    {
        Network = network;
        Layer = layer;
    }

    public string Network { get; }

    public string Layer { get; }

    /// <summary>The factor that is applied first: (rank, in features), or (rank, in channels, height, width).</summary>
    public Tensor? Down { get; private set; }

    /// <summary>The factor that is applied last: (out features, rank), or (out channels, rank, 1, 1).</summary>
    public Tensor? Up { get; private set; }

    /// <summary>LoCon's middle factor of a convolution (rank, rank, height, width); down is then 1x1.</summary>
    public Tensor? Mid { get; private set; }

    /// <summary>The numerator of the factor alpha / rank; null means the rank, so that the factor is 1.</summary>
    public double? Alpha { get; set; }

    public long Rank => Down!.shape[0];

    /// <summary>Takes a tensor out of its scope.</summary>
    /// <returns>False where that part is there already; the tensor is then left alone.</returns>
    public bool Take(LoraPart part, Tensor tensor)
    {
        switch (part)
        {
            case LoraPart.Down when Down is null:
                Down = tensor.DetachFromDisposeScope();
                return true;
            case LoraPart.Up when Up is null:
                Up = tensor.DetachFromDisposeScope();
                return true;
            case LoraPart.Mid when Mid is null:
                Mid = tensor.DetachFromDisposeScope();
                return true;
            case LoraPart.Alpha when Alpha is null:
                Alpha = tensor.to(ScalarType.Float64).item<double>();
                return true;
            default:
                return false;
        }
    }

    /// <summary>Whether all of its values are numbers.</summary>
    public bool IsFinite()
    {
        using DisposeScope scope = NewDisposeScope();
        return double.IsFinite(Alpha ?? 0) && new[] { Down, Up, Mid }.OfType<Tensor>().All(factor => factor.isfinite().all().item<bool>());
    }

    /// <summary>Says what is wrong with the factors; null where they fit together.</summary>
    public string? Fault()
    {
        if (Down is null || Up is null)
        {
            return Down is null ? "the down factor is missing" : "the up factor is missing";
        }

        if (Down.ndim is not (2 or 4) || Up.ndim is not (2 or 4) || Mid is { ndim: not 4 })
        {
            return "factors have two or four axes";
        }

        if (Up.ndim == 4 && (Up.shape[2] != 1 || Up.shape[3] != 1))
        {
            return $"the up factor has the shape [{string.Join(", ", Up.shape)}]; its kernel is 1x1";
        }

        long middle = Mid is null ? Rank : Mid.shape[0];
        bool fits =
            Up.shape[1] == middle && (Mid is null || (Mid.shape[1] == Rank && Down.ndim == 4 && Down.shape[2] == 1 && Down.shape[3] == 1));
        return fits
            ? null
            : $"the ranks of the factors differ: down [{string.Join(", ", Down.shape)}], up [{string.Join(", ", Up.shape)}]"
                + (Mid is null ? "" : $", mid [{string.Join(", ", Mid.shape)}]");
    }

    /// <summary>The shape of the change as a matrix: out features, and in features times the kernel's area.</summary>
    public (long Rows, long Columns) Size =>
        (Up!.shape[0], Down!.shape[1..].Aggregate(1L, (a, b) => a * b) * (Mid is null ? 1 : Mid.shape[2] * Mid.shape[3]));

    /// <summary>The change in float32 (rows, columns), times <paramref name="scale"/>, in the caller's dispose scope.</summary>
    public Tensor Delta(double scale)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor down = Down!.to(ScalarType.Float32);
        Tensor up = Up!.to(ScalarType.Float32).flatten(1);
        if (Mid is not null)
        {
            // (middle, rank, h, w) contracted with (rank, in) gives (middle, in, h, w).
            Tensor mid = Mid.to(ScalarType.Float32);
            (long middle, long rank) = (mid.shape[0], mid.shape[1]);
            Tensor area = TorchExtras.product(mid.permute(0, 2, 3, 1).reshape(-1, rank), down.flatten(1));
            down = area.reshape(middle, mid.shape[2], mid.shape[3], -1).permute(0, 3, 1, 2);
        }

        double factor = scale * (Alpha ?? Rank) / Rank;
        return (TorchExtras.product(up, down.reshape(down.shape[0], -1)) * factor).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Down?.Dispose();
        Up?.Dispose();
        Mid?.Dispose();
    }
}
