using System.Text.Json.Serialization;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>The kinds of encoder stage that this library builds.</summary>
public enum EncoderBlockType
{
    DownEncoderBlock2D,
}

/// <summary>The kinds of decoder stage that this library builds.</summary>
public enum DecoderBlockType
{
    UpDecoderBlock2D,
}

/// <summary>
/// What <see cref="AutoencoderKL"/> and <see cref="AutoencoderKLTemporalDecoder"/> are built from: the fields and defaults of diffusers'
/// classes of these names.
/// </summary>
public sealed record AutoencoderConfig : INetworkConfig
{
    public int InChannels { get; init; } = 3;

    public int OutChannels { get; init; } = 3;

    public IReadOnlyList<EncoderBlockType> DownBlockTypes { get; init; } = [EncoderBlockType.DownEncoderBlock2D];

    /// <summary>Null where the config has none: decoders of videos have but one kind.</summary>
    public IReadOnlyList<DecoderBlockType>? UpBlockTypes { get; init; }

    public IReadOnlyList<int> BlockOutChannels { get; init; } = [64];

    public int LayersPerBlock { get; init; } = 1;

    public Activation ActFn { get; init; } = Activation.Silu;

    public int LatentChannels { get; init; } = 4;

    public int NormNumGroups { get; init; } = 32;

    /// <summary>Height and width of the pictures that it was trained on.</summary>
    public int SampleSize { get; init; } = 32;

    /// <summary>Latents times this have a deviation of about one: what the denoiser sees.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Subtracted from latents before they are scaled; null: 0.</summary>
    public double? ShiftFactor { get; init; }

    /// <summary>Mean of each channel of the latents, for denoisers whose latents are normalized by channel; null: 0.</summary>
    public IReadOnlyList<double>? LatentsMean { get; init; }

    /// <summary>Deviation of each channel of the latents; null: 1.</summary>
    public IReadOnlyList<double>? LatentsStd { get; init; }

    /// <summary>The reference decodes in float32 even where the denoiser computes in half precision.</summary>
    public bool ForceUpcast { get; init; } = true;

    public bool UseQuantConv { get; init; } = true;

    public bool UsePostQuantConv { get; init; } = true;

    public bool MidBlockAddAttention { get; init; } = true;

    /// <summary>Pixels of the picture to one of the latents, in height and width alike.</summary>
    [JsonIgnore]
    public int Downscale => 1 << (BlockOutChannels.Count - 1);

    /// <inheritdoc/>
    public void Validate()
    {
        int blocks = BlockOutChannels.Count;
        ConfigCheck.Require(blocks > 0, "block_out_channels", "[]", "must name at least one block");
        ConfigCheck.Require(
            DownBlockTypes.Count == blocks,
            "down_block_types",
            DownBlockTypes.Count,
            $"must have as many values as block_out_channels ({blocks})"
        );
        ConfigCheck.Require(
            UpBlockTypes is null || UpBlockTypes.Count == blocks,
            "up_block_types",
            UpBlockTypes?.Count,
            $"must have as many values as block_out_channels ({blocks})"
        );
        ConfigCheck.Positive("in_channels", InChannels);
        ConfigCheck.Positive("out_channels", OutChannels);
        ConfigCheck.Positive("layers_per_block", LayersPerBlock);
        ConfigCheck.Positive("latent_channels", LatentChannels);
        ConfigCheck.Require(ScalingFactor > 0, "scaling_factor", ScalingFactor, "must be positive");
        ConfigCheck.Require(
            LatentsMean is null || LatentsMean.Count == LatentChannels,
            "latents_mean",
            LatentsMean?.Count,
            $"must have latent_channels {LatentChannels} values"
        );
        ConfigCheck.Require(
            LatentsStd is null || LatentsStd.Count == LatentChannels,
            "latents_std",
            LatentsStd?.Count,
            $"must have latent_channels {LatentChannels} values"
        );
        ConfigCheck.Require(LatentsStd is null || LatentsStd.All(deviation => deviation > 0), "latents_std", "a value", "must be positive");
        foreach (int channels in BlockOutChannels)
        {
            ConfigCheck.Positive("block_out_channels", channels);
            ConfigCheck.Divides("norm_num_groups", NormNumGroups, channels, "block_out_channels");
        }
    }

    /// <summary>Residual blocks of autoencoders take no time embedding.</summary>
    internal ResnetOptions Resnets() => new(null, NormNumGroups, 1e-6, ActFn);
}
