using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>
/// Multi-head attention under diffusers' names: to_q, to_k, to_v, to_out.0, or those of its versions before 0.15, which many published
/// autoencoders still have. Without a context it is self-attention.
/// </summary>
public sealed class Attention
{
    private readonly Linear _toQ;
    private readonly Linear _toK;
    private readonly Linear _toV;
    private readonly Linear _toOut;
    private readonly int _heads;

    /// <param name="contextFeatures">The number of features of the context; null for that of the input.</param>
    /// <param name="bias">Whether query, key and value have a bias; the output always has one.</param>
    public Attention(NetworkWeights w, int features, int heads, int? contextFeatures = null, bool bias = false)
    {
        _heads = heads;
        (string? query, string? key, string? value, string? output) = w.Has("query")
            ? ("query", "key", "value", "proj_attn")
            : ("to_q", "to_k", "to_v", "to_out.0");
        _toQ = new Linear(w[query], features, features, bias);
        _toK = new Linear(w[key], contextFeatures ?? features, features, bias);
        _toV = new Linear(w[value], contextFeatures ?? features, features, bias);
        _toOut = new Linear(w[output], features, features);
    }

    /// <param name="x">(batch, length, features)</param>
    /// <param name="context">
    /// (batch, context length, context features), or a batch that divides <paramref name="x"/>'s: then each context holds for as many
    /// consecutive members; null: <paramref name="x"/>
    /// </param>
    /// <param name="mask">Added to the scores; broadcasts to (batch, heads, length, context length). Null for none.</param>
    /// <param name="added">Added to the result, and of its shape; null for nothing.</param>
    /// <param name="inPlace">Whether the result may be written over <paramref name="added"/>, and is then the same object.</param>
    /// <returns>(batch, length, features)</returns>
    public Tensor Forward(Tensor x, Tensor? context = null, Tensor? mask = null, Tensor? added = null, bool inPlace = false)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor source = context ?? x;
        Tensor key = _toK.Forward(source),
            value = _toV.Forward(source);
        if (source.shape[0] != x.shape[0])
        {
            long members = x.shape[0] / source.shape[0];
            key = key.repeat_interleave(members, 0);
            value = value.repeat_interleave(members, 0);
        }
        Tensor attended = ScaledDotProduct.Attend(_toQ.Forward(x), key, value, _heads, mask);
        return Scoped.Leave(_toOut.Forward(attended, added, inPlace), added);
    }
}
