using System.Text.Json.Serialization;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>The types of encoder stages that this library builds.</summary>
public enum EncoderBlockType
{
    DownEncoderBlock2D,
}

/// <summary>The types of decoder stages that this library builds.</summary>
public enum DecoderBlockType
{
    UpDecoderBlock2D,
}

/// <summary>
/// The configuration of <see cref="AutoencoderKL"/> and <see cref="AutoencoderKLTemporalDecoder"/>: the fields and defaults of diffusers'
/// classes of these names.
/// </summary>
public sealed record AutoencoderConfig : INetworkConfig
{
    public int InChannels { get; init; } = 3;

    public int OutChannels { get; init; } = 3;

    public IReadOnlyList<EncoderBlockType> DownBlockTypes { get; init; } = [EncoderBlockType.DownEncoderBlock2D];

    /// <summary>The types of the decoder's stages. Null where the config has none: decoders of videos have only one type.</summary>
    public IReadOnlyList<DecoderBlockType>? UpBlockTypes { get; init; }

    public IReadOnlyList<int> BlockOutChannels { get; init; } = [64];

    public int LayersPerBlock { get; init; } = 1;

    public Activation ActFn { get; init; } = Activation.Silu;

    public int LatentChannels { get; init; } = 4;

    public int NormNumGroups { get; init; } = 32;

    /// <summary>The height and width of the pictures that the autoencoder was trained on.</summary>
    public int SampleSize { get; init; } = 32;

    /// <summary>The factor that brings latents to a standard deviation of about one, in which the denoising network takes them.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>What is subtracted from latents before they are scaled; null for 0.</summary>
    public double? ShiftFactor { get; init; }

    /// <summary>
    /// The mean of each channel of the latents, for denoising networks whose latents are normalised by channel; null for 0.
    /// </summary>
    public IReadOnlyList<double>? LatentsMean { get; init; }

    /// <summary>The standard deviation of each channel of the latents; null for 1.</summary>
    public IReadOnlyList<double>? LatentsStd { get; init; }

    /// <summary>
    /// Whether the reference implementation decodes in float32 even where the denoising network computes in half precision.
    /// </summary>
    public bool ForceUpcast { get; init; } = true;

    public bool UseQuantConv { get; init; } = true;

    public bool UsePostQuantConv { get; init; } = true;

    public bool MidBlockAddAttention { get; init; } = true;

    /// <summary>The number of pixels of the picture per pixel of the latents, in height and width alike.</summary>
    [JsonIgnore]
    public int Downscale => 1 << (BlockOutChannels.Count - 1);

    /// <summary>The shape of the latents of one picture, (channels, height, width), for its size in pixels.</summary>
    public long[] LatentShape(int width, int height) => [LatentChannels, height / Downscale, width / Downscale];

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

    /// <summary>The options of the residual blocks, which take no time embedding in an autoencoder.</summary>
    internal ResnetOptions Resnets() => new(null, NormNumGroups, 1e-6, ActFn);
}
