using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Layers;

/// <summary>
/// A layer norm without weights whose scale and shift are computed from a conditioning vector (https://arxiv.org/abs/2212.09748).
/// </summary>
public sealed class AdaLayerNorm
{
    private const double Eps = 1e-6;

    private readonly Linear _linear;
    private readonly int _chunks;

    /// <param name="chunks">The number of vectors that are computed from the condition.</param>
    public AdaLayerNorm(NetworkWeights w, int features, int chunks)
    {
        _linear = new Linear(w["linear"], features, features * chunks);
        _chunks = chunks;
    }

    /// <param name="condition">(batch, features)</param>
    /// <returns>The vectors, (batch, 1, features) each, in the order of the checkpoint and in the caller's scope.</returns>
    public Tensor[] Modulation(Tensor condition)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] chunks = _linear.Forward(F.silu(condition)).unsqueeze(1).chunk(_chunks, -1);
        return [.. chunks.Select(chunk => chunk.MoveToOuterDisposeScope())];
    }

    /// <summary>norm(x) * (1 + scale) + shift</summary>
    /// <param name="x">(batch, length, features)</param>
    public Tensor Forward(Tensor x, Tensor shift, Tensor scale)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = TorchExtras.layer_norm(x, eps: Eps);
        return normed.mul_(scale + 1).add_(shift).MoveToOuterDisposeScope();
    }
}
