using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>The encoder of T5 (https://arxiv.org/abs/1910.10683), the second text encoder of FLUX.</summary>
public sealed class T5EncoderModel : Network
{
    private readonly Embedding _shared;
    private readonly T5RelativePositions _positions;
    private readonly T5Layer[] _blocks;
    private readonly RmsNorm _finalLayerNorm;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public T5EncoderModel(T5Config config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        NetworkWeights encoder = weights["encoder"];
        // One table under two names; files hold either or both
        if (weights.Has("shared.weight"))
        {
            _shared = new Embedding(weights["shared"], config.VocabSize, config.DModel);
            weights.Ignore("encoder.embed_tokens.weight");
        }
        else
        {
            _shared = new Embedding(encoder["embed_tokens"], config.VocabSize, config.DModel);
        }
        _positions = new T5RelativePositions(encoder["block.0.layer.0.SelfAttention.relative_attention_bias"], config);
        _blocks = [.. Enumerable.Range(0, config.NumLayers).Select(i => new T5Layer(encoder["block"][i]["layer"], config))];
        _finalLayerNorm = new RmsNorm(encoder["final_layer_norm"], config.DModel, config.LayerNormEpsilon);
        Finish(weights);
    }

    public T5Config Config { get; }

    /// <param name="inputIds">(batch, length) token ids</param>
    /// <param name="attentionMask">
    /// (batch, length), with 1 for tokens that are attended to and 0 for padding; null attends to all, as FLUX does.
    /// </param>
    /// <returns>(batch, length, d_model) in the network's type</returns>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor bias = _positions.Bias(inputIds.shape[1], inputIds.device);
        if (Masks.ToBias(attentionMask, Dtype) is { } mask)
        {
            bias = bias + mask;
        }
        Tensor h = _shared.Forward(inputIds.to(ScalarType.Int64));
        foreach (T5Layer block in _blocks)
        {
            Scoped.Swap(ref h, block.Forward(h, bias));
        }
        return _finalLayerNorm.Forward(h).MoveToOuterDisposeScope();
    }
}

/// <summary>T5's relative positions: a learned bias per head and per bucket of distances, shared by all layers.</summary>
internal sealed class T5RelativePositions
{
    private readonly Embedding _table;
    private readonly int _buckets;
    private readonly int _maxDistance;

    public T5RelativePositions(NetworkWeights w, T5Config config)
    {
        _table = new Embedding(w, config.RelativeAttentionNumBuckets, config.NumHeads);
        _buckets = config.RelativeAttentionNumBuckets;
        _maxDistance = config.RelativeAttentionMaxDistance;
    }

    /// <returns>(1, heads, length, length), added to attention scores</returns>
    public Tensor Bias(long length, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor positions = torch.arange(length, dtype: ScalarType.Int64, device: device);
        Tensor distance = positions.unsqueeze(0) - positions.unsqueeze(1);
        // (queries, keys, heads) -> (1, heads, queries, keys)
        return _table.Forward(Buckets(distance)).permute(2, 0, 1).unsqueeze(0).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Sorts distances into buckets. Half of the buckets is for keys after the query; in each half every short distance has its own bucket,
    /// and long ones share buckets logarithmically.
    /// </summary>
    private Tensor Buckets(Tensor distance)
    {
        int half = _buckets / 2,
            exact = half / 2;
        Tensor after = (distance > 0).to(ScalarType.Int64) * half;
        Tensor away = distance.abs();
        Tensor far = torch.log(away.to(ScalarType.Float32) / exact) / Math.Log((double)_maxDistance / exact) * (half - exact);
        // Distance 0 has no logarithm; it is one of the near ones, so any number does
        Tensor shared = far.clamp(0, half - 1 - exact).to(ScalarType.Int64) + exact;
        return after + torch.where(away < exact, away, shared);
    }
}

/// <summary>Self-attention and MLP, each after a norm and added to its input.</summary>
internal sealed class T5Layer
{
    private readonly RmsNorm _attentionNorm;
    private readonly Linear _q;
    private readonly Linear _k;
    private readonly Linear _v;
    private readonly Linear _o;
    private readonly RmsNorm _feedForwardNorm;
    private readonly Linear _wi;
    private readonly Linear? _gate;
    private readonly Linear _wo;
    private readonly T5Config _config;

    /// <param name="w">Its member 0 is the attention, member 1 the MLP.</param>
    public T5Layer(NetworkWeights w, T5Config config)
    {
        _config = config;
        int inner = config.NumHeads * config.DKv;
        NetworkWeights attention = w[0]["SelfAttention"],
            feedForward = w[1]["DenseReluDense"];
        _attentionNorm = new RmsNorm(w[0]["layer_norm"], config.DModel, config.LayerNormEpsilon);
        _q = new Linear(attention["q"], config.DModel, inner, bias: false);
        _k = new Linear(attention["k"], config.DModel, inner, bias: false);
        _v = new Linear(attention["v"], config.DModel, inner, bias: false);
        _o = new Linear(attention["o"], inner, config.DModel, bias: false);
        _feedForwardNorm = new RmsNorm(w[1]["layer_norm"], config.DModel, config.LayerNormEpsilon);
        _wi = new Linear(feedForward[config.IsGated ? "wi_0" : "wi"], config.DModel, config.DFf, bias: false);
        _gate = config.IsGated ? new Linear(feedForward["wi_1"], config.DModel, config.DFf, bias: false) : null;
        _wo = new Linear(feedForward["wo"], config.DFf, config.DModel, bias: false);
    }

    public Tensor Forward(Tensor x, Tensor bias)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = _attentionNorm.Forward(x);
        // T5 does not scale its scores: its initialisation does
        Tensor attended = ScaledDotProduct.Attend(
            _q.Forward(normed),
            _k.Forward(normed),
            _v.Forward(normed),
            _config.NumHeads,
            bias,
            scale: 1
        );
        Tensor h = x + _o.Forward(attended);
        Scoped.Swap(ref normed, _feedForwardNorm.Forward(h));
        Tensor inner = _config.Activation.Apply(_wi.Forward(normed));
        if (_gate is not null)
        {
            inner = inner.mul_(_gate.Forward(normed));
        }
        return h.add_(_wo.Forward(inner)).MoveToOuterDisposeScope();
    }
}
