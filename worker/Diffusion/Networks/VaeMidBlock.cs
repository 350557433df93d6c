using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>The middle block of an autoencoder's encoder and decoder: residual block, self-attention, residual block.</summary>
internal sealed class VaeMidBlock
{
    private readonly ResnetBlock2D _first;
    private readonly VaeAttention? _attention;
    private readonly ResnetBlock2D _second;

    public VaeMidBlock(NetworkWeights w, AutoencoderConfig config)
    {
        int channels = config.BlockOutChannels[^1];
        ResnetOptions options = config.Resnets();
        _first = new ResnetBlock2D(w["resnets"][0], channels, channels, options);
        _attention = config.MidBlockAddAttention ? new VaeAttention(w["attentions"][0], channels, config.NormNumGroups, options.Eps) : null;
        _second = new ResnetBlock2D(w["resnets"][1], channels, channels, options);
    }

    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _first.Forward(x);
        if (_attention is not null)
        {
            Scoped.Swap(ref h, _attention.Forward(h));
        }
        return _second.Forward(h).MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention with one head over the positions of a feature map, after a group norm, added to its input.</summary>
internal sealed class VaeAttention
{
    private readonly GroupNorm _groupNorm;
    private readonly Attention _attention;

    public VaeAttention(NetworkWeights w, int channels, int groups, double eps)
    {
        _groupNorm = new GroupNorm(w["group_norm"], groups, channels, eps);
        _attention = new Attention(w, channels, heads: 1, bias: true);
    }

    /// <param name="x">(batch, channels, height, width)</param>
    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sequence = FeatureMap.ToSequence(_groupNorm.Forward(x));
        Tensor attended = _attention.Forward(sequence);
        return FeatureMap.FromSequence(attended, x.shape[2], x.shape[3]).add(x).MoveToOuterDisposeScope();
    }
}
