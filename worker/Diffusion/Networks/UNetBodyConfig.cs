using System.Text.Json.Serialization;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>The types of stages of the down path. Those with "CrossAttn" attend to the prompt after each residual block.</summary>
public enum DownBlockType
{
    DownBlock2D,
    CrossAttnDownBlock2D,
}

/// <summary>The types of the stage between the down and up paths.</summary>
public enum MidBlockType
{
    /// <summary>A residual block, a transformer, a residual block.</summary>
    UNetMidBlock2DCrossAttn,

    /// <summary>One residual block.</summary>
    UNetMidBlock2D,
}

/// <summary>How a timestep is embedded.</summary>
public enum TimeEmbeddingType
{
    /// <summary>By sines and cosines of fixed frequencies.</summary>
    [JsonStringEnumMemberName("positional")]
    Positional,

    /// <summary>By sines and cosines of random frequencies, which the checkpoint contains.</summary>
    [JsonStringEnumMemberName("fourier")]
    Fourier,
}

/// <summary>How a time embedding enters a residual block: it is added before the second norm, or is the norm's scale and shift.</summary>
public enum TimeScaleShift
{
    [JsonStringEnumMemberName("default")]
    Default,

    [JsonStringEnumMemberName("scale_shift")]
    ScaleShift,
}

/// <summary>What class labels are, and how they enter the time embedding.</summary>
public enum ClassEmbedType
{
    /// <summary>A number that is embedded like a timestep.</summary>
    [JsonStringEnumMemberName("timestep")]
    Timestep,

    /// <summary>A vector of the time embedding's size.</summary>
    [JsonStringEnumMemberName("identity")]
    Identity,

    /// <summary>A vector that passes an MLP of two layers.</summary>
    [JsonStringEnumMemberName("projection")]
    Projection,

    /// <summary>A vector that passes one linear layer.</summary>
    [JsonStringEnumMemberName("simple_projection")]
    SimpleProjection,
}

/// <summary>What is added to the time embedding apart from class labels.</summary>
public enum AdditionEmbedType
{
    /// <summary>In SDXL: the pooled text embedding, concatenated with the embedded sizes and crops.</summary>
    [JsonStringEnumMemberName("text_time")]
    TextTime,
}

/// <summary>How the prompt's embedding is projected before cross attention.</summary>
public enum EncoderHidDimType
{
    [JsonStringEnumMemberName("text_proj")]
    TextProj,
}

/// <summary>
/// The configuration of the down path and the middle block, which <see cref="UNet2DConditionModel"/> and <see cref="ControlNetModel"/>
/// share.
/// </summary>
public abstract record UNetBodyConfig : INetworkConfig
{
    /// <summary>
    /// The number of channels of the sample: 4 for latents; 9 with mask and masked picture; 8 with the picture to edit; 7 with the
    /// low-resolution picture.
    /// </summary>
    public int InChannels { get; init; } = 4;

    public bool FlipSinToCos { get; init; } = true;

    public double FreqShift { get; init; }

    public IReadOnlyList<DownBlockType> DownBlockTypes { get; init; } =
    [DownBlockType.CrossAttnDownBlock2D, DownBlockType.CrossAttnDownBlock2D, DownBlockType.CrossAttnDownBlock2D, DownBlockType.DownBlock2D];

    /// <summary>The type of the middle block; null where there is none.</summary>
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

    /// <summary>The number of transformer layers of each block, or of each attention of each block.</summary>
    public PerBlock<PerBlock<int>> TransformerLayersPerBlock { get; init; } = new PerBlock<int>(1);

    public int? EncoderHidDim { get; init; }

    public EncoderHidDimType? EncoderHidDimType { get; init; }

    /// <summary>
    /// The number of attention heads. The reference implementation's field has had this misleading name since its first release.
    /// </summary>
    public PerBlock<int> AttentionHeadDim { get; init; } = 8;

    /// <summary>The number of attention heads, which takes precedence over <see cref="AttentionHeadDim"/>.</summary>
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

    /// <summary>The size of the guidance embedding that LCM-distilled networks take; null for none.</summary>
    public int? TimeCondProjDim { get; init; }

    public int? ProjectionClassEmbeddingsInputDim { get; init; }

    public bool ClassEmbeddingsConcat { get; init; }

    /// <summary>The number of blocks in each path.</summary>
    [JsonIgnore]
    public int Blocks => BlockOutChannels.Count;

    /// <summary>The number of attention heads of each block.</summary>
    [JsonIgnore]
    public PerBlock<int> Heads => NumAttentionHeads ?? AttentionHeadDim;

    /// <summary>The size of the time embedding.</summary>
    [JsonIgnore]
    public int TimeEmbedDim => TimeEmbeddingDim ?? BlockOutChannels[0] * (TimeEmbeddingType == TimeEmbeddingType.Fourier ? 2 : 4);

    /// <summary>The size of a timestep's sinusoidal embedding.</summary>
    [JsonIgnore]
    public int TimeProjDim => TimeEmbeddingType == TimeEmbeddingType.Fourier ? TimeEmbedDim : BlockOutChannels[0];

    /// <summary>The size of the time embedding that the blocks get.</summary>
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

    /// <summary>The options that the residual blocks share.</summary>
    internal ResnetOptions Resnets(double outputScale = 1) =>
        new(BlockTimeEmbedDim, NormNumGroups, NormEps, ActFn, ResnetTimeScaleShift == TimeScaleShift.ScaleShift, outputScale);
}
