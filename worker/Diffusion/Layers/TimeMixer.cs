using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>A learned blend of what is seen in each frame and what is seen along the frames.</summary>
internal sealed class TimeMixer
{
    private readonly Parameter _mixFactor;
    private readonly bool _switched;

    /// <param name="switched">The factor weighs the temporal part and not the spatial one, as video decoders do.</param>
    public TimeMixer(NetworkWeights w, bool switched = false)
    {
        _mixFactor = w.Take("mix_factor", 1);
        _switched = switched;
    }

    public Tensor Forward(Tensor spatial, Tensor temporal)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor factor = torch.sigmoid(_mixFactor.Value);
        Tensor weight = _switched ? 1 - factor : factor;
        return (weight * spatial + (1 - weight) * temporal).MoveToOuterDisposeScope();
    }
}
