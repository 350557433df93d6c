using System.Text.Json.Serialization;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>The configuration that every transformer of the CLIP family has.</summary>
public abstract record ClipEncoderConfig : INetworkConfig
{
    public int HiddenSize { get; init; }

    public int IntermediateSize { get; init; }

    public int NumHiddenLayers { get; init; } = 12;

    public int NumAttentionHeads { get; init; }

    public Activation HiddenAct { get; init; } = Activation.QuickGelu;

    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>The number of features of the joint space of texts and pictures.</summary>
    public int ProjectionDim { get; init; } = 512;

    /// <inheritdoc/>
    public virtual void Validate()
    {
        ConfigCheck.Positive("hidden_size", HiddenSize);
        ConfigCheck.Positive("intermediate_size", IntermediateSize);
        ConfigCheck.Positive("num_hidden_layers", NumHiddenLayers);
        ConfigCheck.Positive("projection_dim", ProjectionDim);
        ConfigCheck.Divides("num_attention_heads", NumAttentionHeads, HiddenSize, "hidden_size");
    }
}

/// <summary>The configuration of <see cref="CLIPTextModel"/>: the fields and defaults of transformers' CLIPTextConfig.</summary>
public sealed record ClipTextConfig : ClipEncoderConfig
{
    public ClipTextConfig()
    {
        HiddenSize = 512;
        IntermediateSize = 2048;
        NumAttentionHeads = 8;
    }

    public int VocabSize { get; init; } = 49408;

    public int MaxPositionEmbeddings { get; init; } = 77;

    /// <summary>
    /// The token whose position gives the pooled output. In early configs it is 2, which is a mistake and stands for "the largest id".
    /// </summary>
    public int? EosTokenId { get; init; } = 49407;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ConfigCheck.Positive("vocab_size", VocabSize);
        ConfigCheck.Positive("max_position_embeddings", MaxPositionEmbeddings);
    }
}

/// <summary>The configuration of <see cref="CLIPVisionModel"/>: the fields and defaults of transformers' CLIPVisionConfig.</summary>
public sealed record ClipVisionConfig : ClipEncoderConfig
{
    public ClipVisionConfig()
    {
        HiddenSize = 768;
        IntermediateSize = 3072;
        NumAttentionHeads = 12;
    }

    public int NumChannels { get; init; } = 3;

    /// <summary>The height and width of the pictures.</summary>
    public int ImageSize { get; init; } = 224;

    public int PatchSize { get; init; } = 32;

    /// <summary>The number of patches along each side.</summary>
    [JsonIgnore]
    public int Grid => ImageSize / PatchSize;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ConfigCheck.Positive("num_channels", NumChannels);
        ConfigCheck.Positive("patch_size", PatchSize);
        ConfigCheck.Require(ImageSize >= PatchSize, "image_size", ImageSize, $"must be at least patch_size {PatchSize}");
    }
}
