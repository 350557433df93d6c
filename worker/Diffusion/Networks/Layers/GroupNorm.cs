using Generation.Torch;
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
    public Tensor Forward(Tensor x) => F.group_norm(x, _groups, _weight.Value, _bias.Value, _eps);

    /// <summary>The norm and then <paramref name="activation"/>, in one pass where there is a fused kernel.</summary>
    /// <param name="x">(batch, channels, height, width)</param>
    public Tensor Forward(Tensor x, Activation activation)
    {
        if (activation is Activation.Silu or Activation.Swish)
        {
            return TorchExtras.group_norm_silu(x, _groups, _weight.Value, _bias.Value, _eps);
        }
        using Tensor normed = Forward(x);
        return activation.Apply(normed);
    }
}
