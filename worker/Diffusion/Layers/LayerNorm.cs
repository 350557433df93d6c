using Generation.Diffusion.Weights;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Layer normalization over the last axis, with scale and shift.</summary>
public sealed class LayerNorm
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly double _eps;

    public LayerNorm(NetworkWeights w, long features, double eps = 1e-5)
    {
        _weight = w.Take("weight", features);
        _bias = w.Take("bias", features);
        _eps = eps;
    }

    /// <param name="x">(..., features)</param>
    public Tensor Forward(Tensor x) => TorchExtras.layer_norm(x, _weight.Value, _bias.Value, _eps);
}
