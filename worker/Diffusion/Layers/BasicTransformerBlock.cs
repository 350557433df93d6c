using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

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
    private readonly bool _positions;

    /// <param name="crossAttentionDim">
    /// The number of features of the context; null where the second attention attends to the input itself.
    /// </param>
    /// <param name="onlyCross">Whether the first attention attends to the context, too.</param>
    /// <param name="positions">Whether sinusoidal positions are added before each attention.</param>
    public BasicTransformerBlock(
        NetworkWeights w,
        int features,
        int heads,
        int? crossAttentionDim,
        bool onlyCross = false,
        bool positions = false
    )
    {
        _norm1 = new LayerNorm(w["norm1"], features);
        _attn1 = new Attention(w["attn1"], features, heads, onlyCross ? crossAttentionDim : null);
        _norm2 = new LayerNorm(w["norm2"], features);
        _attn2 = new Attention(w["attn2"], features, heads, crossAttentionDim);
        _norm3 = new LayerNorm(w["norm3"], features);
        _ff = new FeedForward(w["ff"], features);
        _onlyCross = onlyCross;
        _positions = positions;
        // Files carry the table, rounded to their own type; it is computed anew, as in the reference's memory
        w.Ignore("pos_embed");
    }

    /// <param name="x">(batch, length, features)</param>
    /// <param name="context">(batch, context length, context features)</param>
    /// <param name="contextMask">Added to the cross-attention's scores.</param>
    public Tensor Forward(Tensor x, Tensor? context = null, Tensor? contextMask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _attn1.Forward(Positioned(_norm1.Forward(x)), _onlyCross ? context : null, _onlyCross ? contextMask : null, added: x);
        h = _attn2.Forward(Positioned(_norm2.Forward(h)), context, contextMask, added: h, inPlace: true);
        h = _ff.Forward(_norm3.Forward(h), added: h, inPlace: true);
        return h.MoveToOuterDisposeScope();
    }

    private Tensor Positioned(Tensor x) => _positions ? x + Positions(x.shape[1], x.shape[2], x.device).to(x.dtype) : x;

    // (1, length, features): sine and cosine in turn, over wavelengths from 2 pi to 20000 pi (Vaswani et al., 2017, section 3.5)
    private static Tensor Positions(long length, long features, Device device)
    {
        Tensor frequencies = (arange(0, features, 2, dtype: ScalarType.Float32, device: device) * (-Math.Log(10000) / features)).exp();
        Tensor angles = arange(length, dtype: ScalarType.Float32, device: device).unsqueeze(1) * frequencies;
        return stack([angles.sin(), angles.cos()], -1).flatten(1).unsqueeze(0);
    }
}
