using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Group normalization (https://arxiv.org/abs/1803.08494) with scale and shift, and the activation that follows it.</summary>
public sealed class GroupNorm
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly long _groups;
    private readonly double _eps;

    public GroupNorm(NetworkWeights w, long groups, long channels, double eps)
    {
        _weight = w.Take("weight", channels);
        _bias = w.Take("bias", channels);
        _groups = groups;
        _eps = eps;
    }

    /// <param name="x">(batch, channels, ...)</param>
    public Tensor Forward(Tensor x) => TorchExtras.group_norm(x, _groups, _weight.Value, _bias.Value, _eps);

    /// <summary>
    /// Normalises <paramref name="x"/> + <paramref name="added"/> and then applies <paramref name="activation"/>, in one call where there
    /// is a fused kernel.
    /// </summary>
    /// <param name="x">(batch, channels, ...)</param>
    /// <param name="added">(batch, channels); null for nothing.</param>
    public Tensor Forward(Tensor x, Activation activation, Tensor? added = null)
    {
        bool silu = activation is Activation.Silu or Activation.Swish;
        Tensor normed = TorchExtras.group_norm(x, _groups, _weight.Value, _bias.Value, _eps, silu, added);
        if (silu)
        {
            return normed;
        }
        using (normed)
        {
            return activation.Apply(normed);
        }
    }

    /// <summary>
    /// The same as <see cref="Forward(Tensor, Activation, Tensor?)"/>, with the statistics of a larger map than <paramref name="x"/>; null
    /// for its own.
    /// </summary>
    /// <param name="x">(batch, channels, height, width)</param>
    internal Tensor Forward(Tensor x, Activation activation, NormStatistics? statistics)
    {
        if (statistics is null)
        {
            return Forward(x, activation);
        }
        using DisposeScope scope = NewDisposeScope();
        (Tensor? mean, Tensor? variance) = statistics.Of(x, _groups);
        // Per channel: x * scale + shift
        long inGroup = x.shape[1] / _groups;
        Tensor Spread(Tensor values) => values.view(-1, 1).expand(_groups, inGroup).reshape(1, -1, 1, 1);
        Tensor scale = Spread(torch.rsqrt(variance + _eps)) * _weight.Value.to(ScalarType.Float32).view(1, -1, 1, 1);
        Tensor shift = _bias.Value.to(ScalarType.Float32).view(1, -1, 1, 1) - Spread(mean) * scale;
        Tensor normed = (x * scale).add_(shift);
        return activation.Apply(normed).to(x.dtype).MoveToOuterDisposeScope();
    }
}
