using Generation.Diffusion.Weights;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>A linear layer, y = x W^T + b, over the last axis.</summary>
public sealed class Linear
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    public Linear(NetworkWeights w, long inFeatures, long outFeatures, bool bias = true)
    {
        _weight = w.Take("weight", outFeatures, inFeatures);
        _bias = bias ? w.Take("bias", outFeatures) : null;
    }

    /// <param name="x">(..., in features)</param>
    /// <returns>(..., out features)</returns>
    public Tensor Forward(Tensor x) => Packed.Forward(x);

    /// <inheritdoc cref="Forward(Tensor)"/>
    /// <param name="added">Added to the result, and of its shape; null for nothing.</param>
    /// <param name="inPlace">Whether the result may be written over <paramref name="added"/>, and is then the same object.</param>
    public Tensor Forward(Tensor x, Tensor? added, bool inPlace = false) => Packed.Forward(x, added, inPlace);

    /// <summary>The first half of the result times GELU of the second (https://arxiv.org/abs/2002.05202).</summary>
    /// <param name="x">(..., in features)</param>
    /// <returns>(..., out features / 2)</returns>
    public Tensor ForwardGeglu(Tensor x) => Packed.ForwardGeglu(x);

    private PackedLinear Packed => _weight.Derived(_bias, () => new PackedLinear(() => _weight.Value, _bias?.Value, _weight.WhenPacked));
}
