using System.Text.Json.Serialization;
using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;

namespace Generation.Diffusion.Families.Flux;

/// <summary>The configuration of <see cref="T5EncoderModel"/>: the fields and defaults of transformers' T5Config.</summary>
public sealed record T5Config : INetworkConfig
{
    private const string Gated = "gated-";

    public int VocabSize { get; init; } = 32128;

    public int DModel { get; init; } = 512;

    /// <summary>The number of features of each attention head.</summary>
    public int DKv { get; init; } = 64;

    public int DFf { get; init; } = 2048;

    public int NumLayers { get; init; } = 6;

    public int NumHeads { get; init; } = 8;

    public int RelativeAttentionNumBuckets { get; init; } = 32;

    public int RelativeAttentionMaxDistance { get; init; } = 128;

    public double LayerNormEpsilon { get; init; } = 1e-6;

    /// <summary>One of relu and gated-gelu (T5 1.1), or another activation with or without "gated-".</summary>
    public string FeedForwardProj { get; init; } = "relu";

    /// <summary>Whether the MLP's activation is multiplied by a second projection.</summary>
    [JsonIgnore]
    public bool IsGated => FeedForwardProj.StartsWith(Gated, StringComparison.Ordinal);

    /// <summary>The MLP's activation.</summary>
    /// <exception cref="ConfigException">The activation is not known.</exception>
    [JsonIgnore]
    public Activation Activation =>
        FeedForwardProj switch
        {
            // The reference means the tanh form by this one name
            "gated-gelu" => Activation.GeluNew,
            "relu" or "gated-relu" => Activation.Relu,
            "gelu" => Activation.Gelu,
            "gelu_new" or "gated-gelu_new" => Activation.GeluNew,
            "silu" or "gated-silu" => Activation.Silu,
            _ => throw new ConfigException(
                $"feed_forward_proj {FeedForwardProj} is not known; known: relu, gelu, gelu_new, silu, each also with {Gated} before it"
            ),
        };

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Positive("vocab_size", VocabSize);
        ConfigCheck.Positive("d_model", DModel);
        ConfigCheck.Positive("d_kv", DKv);
        ConfigCheck.Positive("d_ff", DFf);
        ConfigCheck.Positive("num_layers", NumLayers);
        ConfigCheck.Positive("num_heads", NumHeads);
        ConfigCheck.Require(
            RelativeAttentionNumBuckets is >= 4 && RelativeAttentionNumBuckets % 4 == 0,
            "relative_attention_num_buckets",
            RelativeAttentionNumBuckets,
            "must be a positive multiple of 4"
        );
        ConfigCheck.Require(
            RelativeAttentionMaxDistance > RelativeAttentionNumBuckets / 4,
            "relative_attention_max_distance",
            RelativeAttentionMaxDistance,
            "must be larger than a quarter of relative_attention_num_buckets"
        );
        _ = Activation;
    }
}
