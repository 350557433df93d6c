using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>The sizes of one CLIP layer.</summary>
internal sealed record ClipLayerSizes(int Features, int Intermediate, int Heads, Activation Activation, double Eps)
{
    public static ClipLayerSizes Of(ClipEncoderConfig config) =>
        new(config.HiddenSize, config.IntermediateSize, config.NumAttentionHeads, config.HiddenAct, config.LayerNormEps);
}

/// <summary>The stack of layers that CLIP's text and vision models share (https://arxiv.org/abs/2103.00020).</summary>
internal sealed class ClipEncoder
{
    private readonly ClipLayer[] _layers;

    public ClipEncoder(NetworkWeights w, ClipLayerSizes sizes, int layers) =>
        _layers = [.. Enumerable.Range(0, layers).Select(i => new ClipLayer(w["layers"][i], sizes))];

    /// <param name="x">(batch, length, features)</param>
    /// <param name="mask">Added to the scores; null for none.</param>
    /// <param name="isCausal">Whether each position attends only to itself and the positions before it.</param>
    /// <returns>The input and then each layer's output, all in the caller's scope.</returns>
    public Tensor[] Forward(Tensor x, Tensor? mask = null, bool isCausal = false)
    {
        var states = new Tensor[_layers.Length + 1];
        states[0] = x;
        for (int i = 0; i < _layers.Length; i++)
        {
            states[i + 1] = _layers[i].Forward(states[i], mask, isCausal);
        }
        return states;
    }
}

/// <summary>Self-attention and an MLP of two layers, each after a layer norm and added to its input.</summary>
internal sealed class ClipLayer
{
    private readonly LayerNorm _layerNorm1;
    private readonly ClipAttention _selfAttn;
    private readonly LayerNorm _layerNorm2;
    private readonly ClipMlp _mlp;

    public ClipLayer(NetworkWeights w, ClipLayerSizes sizes)
    {
        _layerNorm1 = new LayerNorm(w["layer_norm1"], sizes.Features, sizes.Eps);
        _selfAttn = new ClipAttention(w["self_attn"], sizes.Features, sizes.Heads);
        _layerNorm2 = new LayerNorm(w["layer_norm2"], sizes.Features, sizes.Eps);
        _mlp = new ClipMlp(w["mlp"], sizes);
    }

    public Tensor Forward(Tensor x, Tensor? mask, bool isCausal)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = x + _selfAttn.Forward(_layerNorm1.Forward(x), mask, isCausal);
        h = h.add_(_mlp.Forward(_layerNorm2.Forward(h)));
        return h.MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head self-attention under transformers' names.</summary>
internal sealed class ClipAttention
{
    private readonly Linear _qProj;
    private readonly Linear _kProj;
    private readonly Linear _vProj;
    private readonly Linear _outProj;
    private readonly int _heads;

    public ClipAttention(NetworkWeights w, int features, int heads)
    {
        _heads = heads;
        _qProj = new Linear(w["q_proj"], features, features);
        _kProj = new Linear(w["k_proj"], features, features);
        _vProj = new Linear(w["v_proj"], features, features);
        _outProj = new Linear(w["out_proj"], features, features);
    }

    public Tensor Forward(Tensor x, Tensor? mask, bool isCausal)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = ScaledDotProduct.Attend(_qProj.Forward(x), _kProj.Forward(x), _vProj.Forward(x), _heads, mask, isCausal);
        return _outProj.Forward(attended).MoveToOuterDisposeScope();
    }
}

/// <summary>An MLP of two layers: linear, activation, linear.</summary>
internal sealed class ClipMlp
{
    private readonly Linear _fc1;
    private readonly Linear _fc2;
    private readonly Activation _activation;

    public ClipMlp(NetworkWeights w, ClipLayerSizes sizes)
    {
        _fc1 = new Linear(w["fc1"], sizes.Features, sizes.Intermediate);
        _fc2 = new Linear(w["fc2"], sizes.Intermediate, sizes.Features);
        _activation = sizes.Activation;
    }

    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return _fc2.Forward(_activation.Apply(_fc1.Forward(x))).MoveToOuterDisposeScope();
    }
}
