using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

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
