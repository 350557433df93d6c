using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks.Layers;

/// <summary>y = x W^T + b over the last axis.</summary>
public sealed class Linear
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    public Linear(Weights w, long inFeatures, long outFeatures, bool bias = true)
    {
        _weight = w.Take("weight", outFeatures, inFeatures);
        _bias = bias ? w.Take("bias", outFeatures) : null;
    }

    /// <param name="x">(..., in features)</param>
    /// <returns>(..., out features)</returns>
    public Tensor Forward(Tensor x) => F.linear(x, _weight.Value, _bias?.Value);
}
