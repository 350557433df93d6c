using static TorchSharp.torch;

namespace Generation.Diffusion.Networks.Layers;

/// <summary>Self-attention, cross-attention and feed-forward, each after a layer norm and added to its input.</summary>
public sealed class BasicTransformerBlock
{
    private readonly LayerNorm _norm1;
    private readonly LayerNorm _norm2;
    private readonly LayerNorm _norm3;
    private readonly Attention _attn1;
    private readonly Attention _attn2;
    private readonly FeedForward _ff;
    private readonly bool _onlyCross;
    private readonly Parameter? _positions;

    /// <param name="crossAttentionDim">Features of the context; null: the second attention looks at the input itself.</param>
    /// <param name="onlyCross">The first attention looks at the context too.</param>
    /// <param name="positions">Length of a stored table of sinusoidal positions that is added before each attention; null: none.</param>
    public BasicTransformerBlock(Weights w, int features, int heads, int? crossAttentionDim, bool onlyCross = false, int? positions = null)
    {
        _norm1 = new LayerNorm(w["norm1"], features);
        _attn1 = new Attention(w["attn1"], features, heads, onlyCross ? crossAttentionDim : null);
        _norm2 = new LayerNorm(w["norm2"], features);
        _attn2 = new Attention(w["attn2"], features, heads, crossAttentionDim);
        _norm3 = new LayerNorm(w["norm3"], features);
        _ff = new FeedForward(w["ff"], features);
        _onlyCross = onlyCross;
        _positions = positions is int length ? w["pos_embed"].Take("pe", 1, length, features) : null;
    }

    /// <param name="x">(batch, length, features)</param>
    /// <param name="context">(batch, context length, context features)</param>
    /// <param name="contextMask">Added to the cross-attention's scores.</param>
    public Tensor Forward(Tensor x, Tensor? context = null, Tensor? contextMask = null)
    {
        using var scope = NewDisposeScope();
        Tensor h = x + _attn1.Forward(Positioned(_norm1.Forward(x)), _onlyCross ? context : null, _onlyCross ? contextMask : null);
        h = h.add_(_attn2.Forward(Positioned(_norm2.Forward(h)), context, contextMask));
        h = h.add_(_ff.Forward(_norm3.Forward(h)));
        return h.MoveToOuterDisposeScope();
    }

    private Tensor Positioned(Tensor x) => _positions is null ? x : x + _positions.Value.narrow(1, 0, x.shape[1]);
}
