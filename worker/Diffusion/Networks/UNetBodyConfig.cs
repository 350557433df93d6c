using System.Text.Json.Serialization;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>A stage of the way down; the ones with "CrossAttn" attend to the prompt after each residual block.</summary>
public enum DownBlockType
{
    DownBlock2D,
    CrossAttnDownBlock2D,
}

/// <summary>The stage between the ways down and up.</summary>
public enum MidBlockType
{
    /// <summary>Residual block, transformer, residual block.</summary>
    UNetMidBlock2DCrossAttn,

    /// <summary>One residual block.</summary>
    UNetMidBlock2D,
}

/// <summary>How a timestep becomes a vector.</summary>
public enum TimeEmbeddingType
{
    /// <summary>Fixed frequencies.</summary>
    [JsonStringEnumMemberName("positional")]
    Positional,

    /// <summary>Random frequencies, kept in the checkpoint.</summary>
    [JsonStringEnumMemberName("fourier")]
    Fourier,
}

/// <summary>How a time embedding enters a residual block: added before the second norm, or as its scale and shift.</summary>
public enum TimeScaleShift
{
    [JsonStringEnumMemberName("default")]
    Default,

    [JsonStringEnumMemberName("scale_shift")]
    ScaleShift,
}

/// <summary>What class labels are and how they enter the time embedding.</summary>
public enum ClassEmbedType
{
    /// <summary>A number that is embedded as a timestep is.</summary>
    [JsonStringEnumMemberName("timestep")]
    Timestep,

    /// <summary>Already a vector of the time embedding's size.</summary>
    [JsonStringEnumMemberName("identity")]
    Identity,

    /// <summary>A vector that passes a two-layer perceptron.</summary>
    [JsonStringEnumMemberName("projection")]
    Projection,

    /// <summary>A vector that passes one linear layer.</summary>
    [JsonStringEnumMemberName("simple_projection")]
    SimpleProjection,
}

/// <summary>What is added to the time embedding beside class labels.</summary>
public enum AdditionEmbedType
{
    /// <summary>SDXL: the pooled text embedding joined with embedded sizes and crops.</summary>
    [JsonStringEnumMemberName("text_time")]
    TextTime,
}

/// <summary>How the prompt's embedding is projected before the cross attentions see it.</summary>
public enum EncoderHidDimType
{
    [JsonStringEnumMemberName("text_proj")]
    TextProj,
}

/// <summary>
/// What the ways down and to the middle are built from, in <see cref="UNet2DConditionModel"/> and <see cref="ControlNetModel"/> alike.
/// </summary>
public abstract record UNetBodyConfig : INetworkConfig
{
    /// <summary>
    /// Channels of the sample: 4 latents; 9 with mask and masked picture; 8 with the picture to edit; 7 with the low-resolution picture.
    /// </summary>
    public int InChannels { get; init; } = 4;

    public bool FlipSinToCos { get; init; } = true;

    public double FreqShift { get; init; }

    public IReadOnlyList<DownBlockType> DownBlockTypes { get; init; } =
    [DownBlockType.CrossAttnDownBlock2D, DownBlockType.CrossAttnDownBlock2D, DownBlockType.CrossAttnDownBlock2D, DownBlockType.DownBlock2D];

    /// <summary>Null: the way up follows the way down at once.</summary>
    public MidBlockType? MidBlockType { get; init; } = Networks.MidBlockType.UNetMidBlock2DCrossAttn;

    public PerBlock<bool> OnlyCrossAttention { get; init; } = false;

    public IReadOnlyList<int> BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    public PerBlock<int> LayersPerBlock { get; init; } = 2;

    public int DownsamplePadding { get; init; } = 1;

    public double MidBlockScaleFactor { get; init; } = 1;

    public Activation ActFn { get; init; } = Activation.Silu;

    public int NormNumGroups { get; init; } = 32;

    public double NormEps { get; init; } = 1e-5;

    public PerBlock<int> CrossAttentionDim { get; init; } = 1280;

    /// <summary>Transformer layers of each block, or of each attention of each block.</summary>
    public PerBlock<PerBlock<int>> TransformerLayersPerBlock { get; init; } = new PerBlock<int>(1);

    public int? EncoderHidDim { get; init; }

    public EncoderHidDimType? EncoderHidDimType { get; init; }

    /// <summary>The number of attention heads: the reference's field has this misleading name since its first release.</summary>
    public PerBlock<int> AttentionHeadDim { get; init; } = 8;

    /// <summary>Takes precedence over <see cref="AttentionHeadDim"/>.</summary>
    public PerBlock<int>? NumAttentionHeads { get; init; }

    public bool UseLinearProjection { get; init; }

    public ClassEmbedType? ClassEmbedType { get; init; }

    public AdditionEmbedType? AdditionEmbedType { get; init; }

    public int? AdditionTimeEmbedDim { get; init; }

    public int? NumClassEmbeds { get; init; }

    public TimeScaleShift ResnetTimeScaleShift { get; init; } = TimeScaleShift.Default;

    public TimeEmbeddingType TimeEmbeddingType { get; init; } = TimeEmbeddingType.Positional;

    public int? TimeEmbeddingDim { get; init; }

    public Activation? TimeEmbeddingActFn { get; init; }

    public Activation? TimestepPostAct { get; init; }

    /// <summary>Size of the guidance embedding that LCM-distilled networks take; null: none.</summary>
    public int? TimeCondProjDim { get; init; }

    public int? ProjectionClassEmbeddingsInputDim { get; init; }

    public bool ClassEmbeddingsConcat { get; init; }

    /// <summary>Blocks on each way.</summary>
    [JsonIgnore]
    public int Blocks => BlockOutChannels.Count;

    /// <summary>Attention heads of each block.</summary>
    [JsonIgnore]
    public PerBlock<int> Heads => NumAttentionHeads ?? AttentionHeadDim;

    /// <summary>Size of the time embedding.</summary>
    [JsonIgnore]
    public int TimeEmbedDim => TimeEmbeddingDim ?? BlockOutChannels[0] * (TimeEmbeddingType == TimeEmbeddingType.Fourier ? 2 : 4);

    /// <summary>Size of a timestep's sines and cosines.</summary>
    [JsonIgnore]
    public int TimeProjDim => TimeEmbeddingType == TimeEmbeddingType.Fourier ? TimeEmbedDim : BlockOutChannels[0];

    /// <summary>Size of the time embedding as the blocks see it.</summary>
    [JsonIgnore]
    public int BlockTimeEmbedDim => ClassEmbeddingsConcat ? TimeEmbedDim * 2 : TimeEmbedDim;

    /// <inheritdoc/>
    public virtual void Validate()
    {
        ConfigCheck.Require(Blocks > 0, "block_out_channels", "[]", "must name at least one block");
        ConfigCheck.Require(
            DownBlockTypes.Count == Blocks,
            "down_block_types",
            DownBlockTypes.Count,
            $"must have as many values as block_out_channels ({Blocks})"
        );
        ConfigCheck.Positive("in_channels", InChannels);
        ConfigCheck.Require(DownsamplePadding is 0 or 1, "downsample_padding", DownsamplePadding, "must be 0 or 1");
        OnlyCrossAttention.CheckCount("only_cross_attention", Blocks);
        LayersPerBlock.CheckCount("layers_per_block", Blocks);
        CrossAttentionDim.CheckCount("cross_attention_dim", Blocks);
        TransformerLayersPerBlock.CheckCount("transformer_layers_per_block", Blocks);
        AttentionHeadDim.CheckCount("attention_head_dim", Blocks);
        NumAttentionHeads?.CheckCount("num_attention_heads", Blocks);
        for (int block = 0; block < Blocks; block++)
        {
            int channels = BlockOutChannels[block];
            ConfigCheck.Positive("block_out_channels", channels);
            ConfigCheck.Positive("layers_per_block", LayersPerBlock[block]);
            ConfigCheck.Divides("norm_num_groups", NormNumGroups, channels, "block_out_channels");
            if (DownBlockTypes[block] == DownBlockType.CrossAttnDownBlock2D)
            {
                ConfigCheck.Divides("attention_head_dim", Heads[block], channels, "block_out_channels");
            }
        }
        ConfigCheck.Require(
            TimeEmbedDim % 2 == 0 || TimeEmbeddingType != TimeEmbeddingType.Fourier,
            "time_embedding_dim",
            TimeEmbedDim,
            "must be even"
        );
        ConfigCheck.Require(
            EncoderHidDimType is null || EncoderHidDim is not null,
            "encoder_hid_dim",
            EncoderHidDim,
            "must be set when encoder_hid_dim_type is"
        );
        ConfigCheck.Require(
            AdditionEmbedType is null || (AdditionTimeEmbedDim is not null && ProjectionClassEmbeddingsInputDim is not null),
            "addition_embed_type",
            AdditionEmbedType,
            "needs addition_time_embed_dim and projection_class_embeddings_input_dim"
        );
        ConfigCheck.Require(
            ClassEmbedType is not (Networks.ClassEmbedType.Projection or Networks.ClassEmbedType.SimpleProjection)
                || ProjectionClassEmbeddingsInputDim is not null,
            "class_embed_type",
            ClassEmbedType,
            "needs projection_class_embeddings_input_dim"
        );
    }

    /// <summary>The residual blocks' common settings.</summary>
    internal ResnetOptions Resnets(double outputScale = 1) =>
        new(BlockTimeEmbedDim, NormNumGroups, NormEps, ActFn, ResnetTimeScaleShift == TimeScaleShift.ScaleShift, outputScale);
}
