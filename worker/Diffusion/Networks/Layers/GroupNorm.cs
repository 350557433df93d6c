using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks.Layers;

/// <summary>Group normalization (https://arxiv.org/abs/1803.08494) with scale and shift, and the activation that follows it.</summary>
public sealed class GroupNorm
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly long _groups;
    private readonly double _eps;

    public GroupNorm(Weights w, long groups, long channels, double eps)
    {
        _weight = w.Take("weight", channels);
        _bias = w.Take("bias", channels);
        _groups = groups;
        _eps = eps;
    }

    /// <param name="x">(batch, channels, ...)</param>
    public Tensor Forward(Tensor x) => InWideSums(x, (wide, weight, bias) => F.group_norm(wide, _groups, weight, bias, _eps));

    /// <summary>The norm and then <paramref name="activation"/>, in one pass where there is a fused kernel.</summary>
    /// <param name="x">(batch, channels, ...)</param>
    public Tensor Forward(Tensor x, Activation activation)
    {
        if (activation is Activation.Silu or Activation.Swish)
        {
            return InWideSums(x, (wide, weight, bias) => TorchExtras.group_norm_silu(wide, _groups, weight, bias, _eps));
        }
        using Tensor normed = Forward(x);
        return activation.Apply(normed);
    }

    /// <summary>As <see cref="Forward(Tensor, Activation)"/>, with the statistics of a larger map than <paramref name="x"/>; null: its own.</summary>
    /// <param name="x">(batch, channels, height, width)</param>
    internal Tensor Forward(Tensor x, Activation activation, NormStatistics? statistics)
    {
        if (statistics is null)
        {
            return Forward(x, activation);
        }
        using var scope = NewDisposeScope();
        var (mean, variance) = statistics.Of(x, _groups);
        // Per channel: x * scale + shift
        long inGroup = x.shape[1] / _groups;
        Tensor Spread(Tensor values) => values.view(-1, 1).expand(_groups, inGroup).reshape(1, -1, 1, 1);
        Tensor scale = Spread(torch.rsqrt(variance + _eps)) * _weight.Value.to(ScalarType.Float32).view(1, -1, 1, 1);
        Tensor shift = _bias.Value.to(ScalarType.Float32).view(1, -1, 1, 1) - Spread(mean) * scale;
        Tensor normed = (x * scale).add_(shift);
        return activation.Apply(normed).to(x.dtype).MoveToOuterDisposeScope();
    }

    // libtorch 1.13 sums bfloat16 channels_last maps in bfloat16: at 64 x 64 the result is off by a third, at 128 x 128 it is noise
    private Tensor InWideSums(Tensor x, Func<Tensor, Tensor, Tensor, Tensor> norm)
    {
        if (x.dtype is ScalarType.Float32 or ScalarType.Float64)
        {
            return norm(x, _weight.Value, _bias.Value);
        }
        using var scope = NewDisposeScope();
        Tensor normed = norm(x.to(ScalarType.Float32), _weight.Value.to(ScalarType.Float32), _bias.Value.to(ScalarType.Float32));
        return normed.to(x.dtype).MoveToOuterDisposeScope();
    }
}
