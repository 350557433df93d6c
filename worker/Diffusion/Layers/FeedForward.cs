using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>
/// The MLP of a transformer block: by default GEGLU (https://arxiv.org/abs/2002.05202), in which one half of a linear layer's output is
/// gated by GELU of the other; or a plain activation between two linear layers.
/// </summary>
public sealed class FeedForward
{
    private readonly Linear _in;
    private readonly Linear _out;
    private readonly Activation? _plain;

    /// <param name="plain">The activation; null for GEGLU.</param>
    public FeedForward(NetworkWeights w, int features, Activation? plain = null, int mult = 4)
    {
        int inner = features * mult;
        _in = new Linear(w["net.0.proj"], features, plain is null ? inner * 2 : inner);
        _out = new Linear(w["net.2"], inner, features);
        _plain = plain;
    }

    /// <param name="x">(..., features)</param>
    /// <param name="added">Added to the result, and of its shape; null for nothing.</param>
    /// <param name="inPlace">Whether the result may be written over <paramref name="added"/>, and is then the same object.</param>
    public Tensor Forward(Tensor x, Tensor? added = null, bool inPlace = false)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _plain is null ? _in.ForwardGeglu(x) : _in.Forward(x);
        if (_plain is { } activation)
        {
            Scoped.Swap(ref h, activation.Apply(h));
        }
        return Scoped.Leave(_out.Forward(h, added, inPlace), added);
    }
}
