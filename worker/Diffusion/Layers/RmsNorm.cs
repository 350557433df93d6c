using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Divides by the root mean square over the last axis, in float32, and then scales (https://arxiv.org/abs/1910.07467).</summary>
public sealed class RmsNorm
{
    private readonly Parameter _weight;
    private readonly double _eps;

    public RmsNorm(NetworkWeights w, long features, double eps)
    {
        _weight = w.Take("weight", features);
        _eps = eps;
    }

    /// <param name="x">(..., features)</param>
    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = x.to(ScalarType.Float32);
        Tensor scale = torch.rsqrt(wide.square().mean([-1], keepdim: true) + _eps);
        return ((wide * scale).to(x.dtype) * _weight.Value).MoveToOuterDisposeScope();
    }
}
