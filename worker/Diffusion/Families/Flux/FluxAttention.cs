using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>The projections of one stream of tokens to queries, keys and values; queries and keys are normalised per head.</summary>
internal sealed class FluxProjections
{
    private readonly Linear _q;
    private readonly Linear _k;
    private readonly Linear _v;
    private readonly RmsNorm _normQ;
    private readonly RmsNorm _normK;
    private readonly int _heads;

    /// <param name="names">The checkpoint's names of query, key, value, query norm and key norm.</param>
    public FluxProjections(NetworkWeights w, FluxConfig config, (string Q, string K, string V, string NormQ, string NormK) names)
    {
        int inner = config.InnerDim;
        _heads = config.NumAttentionHeads;
        _q = new Linear(w[names.Q], inner, inner);
        _k = new Linear(w[names.K], inner, inner);
        _v = new Linear(w[names.V], inner, inner);
        _normQ = new RmsNorm(w[names.NormQ], config.AttentionHeadDim, eps: 1e-6);
        _normK = new RmsNorm(w[names.NormK], config.AttentionHeadDim, eps: 1e-6);
    }

    /// <summary>The names in the picture's stream.</summary>
    public static (string, string, string, string, string) Image { get; } = ("to_q", "to_k", "to_v", "norm_q", "norm_k");

    /// <summary>The names in the text's stream.</summary>
    public static (string, string, string, string, string) Text { get; } =
        ("add_q_proj", "add_k_proj", "add_v_proj", "norm_added_q", "norm_added_k");

    /// <returns>(batch, heads, length, size) each, in the caller's scope</returns>
    public (Tensor Q, Tensor K, Tensor V) Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor q = _normQ.Forward(ScaledDotProduct.SplitHeads(_q.Forward(x), _heads));
        Tensor k = _normK.Forward(ScaledDotProduct.SplitHeads(_k.Forward(x), _heads));
        Tensor v = ScaledDotProduct.SplitHeads(_v.Forward(x), _heads);
        return (q.MoveToOuterDisposeScope(), k.MoveToOuterDisposeScope(), v.MoveToOuterDisposeScope());
    }
}

/// <summary>The cosines and sines of the positions of all tokens, text first.</summary>
internal readonly record struct FluxPositions(Tensor Cos, Tensor Sin)
{
    /// <summary>Applies attention over all tokens: (batch, heads, length, size) to (batch, length, heads * size).</summary>
    public Tensor Attend(Tensor q, Tensor k, Tensor v)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = ScaledDotProduct.AttendHeads(RotaryEmbedding.Apply(q, Cos, Sin), RotaryEmbedding.Apply(k, Cos, Sin), v);
        return ScaledDotProduct.JoinHeads(attended).MoveToOuterDisposeScope();
    }
}
