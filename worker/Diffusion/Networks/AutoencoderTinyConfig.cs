using System.Text.Json.Serialization;
using Generation.Diffusion.Layers;

namespace Generation.Diffusion.Networks;

/// <summary>The configuration of <see cref="AutoencoderTiny"/>: the fields and defaults of diffusers' AutoencoderTiny.</summary>
public sealed record AutoencoderTinyConfig : INetworkConfig
{
    public int InChannels { get; init; } = 3;

    public int OutChannels { get; init; } = 3;

    public IReadOnlyList<int> EncoderBlockOutChannels { get; init; } = [64, 64, 64, 64];

    public IReadOnlyList<int> DecoderBlockOutChannels { get; init; } = [64, 64, 64, 64];

    public Activation ActFn { get; init; } = Activation.Relu;

    public string UpsampleFn { get; init; } = "nearest";

    public int LatentChannels { get; init; } = 4;

    public int UpsamplingScalingFactor { get; init; } = 2;

    public IReadOnlyList<int> NumEncoderBlocks { get; init; } = [1, 3, 3, 3];

    public IReadOnlyList<int> NumDecoderBlocks { get; init; } = [3, 3, 3, 1];

    /// <summary>The largest absolute value that is assumed for latents.</summary>
    public double LatentMagnitude { get; init; } = 3;

    /// <summary>The value that stands for zero when latents are stored as numbers in 0..1.</summary>
    public double LatentShift { get; init; } = 0.5;

    public double ScalingFactor { get; init; } = 1;

    public double ShiftFactor { get; init; }

    /// <summary>The number of pixels of the picture per pixel of the latents, in height and width alike.</summary>
    [JsonIgnore]
    public int Downscale => 1 << (NumEncoderBlocks.Count - 1);

    /// <inheritdoc/>
    public void Validate()
    {
        CheckBlocks("encoder", EncoderBlockOutChannels, NumEncoderBlocks);
        CheckBlocks("decoder", DecoderBlockOutChannels, NumDecoderBlocks);
        ConfigCheck.Positive("in_channels", InChannels);
        ConfigCheck.Positive("out_channels", OutChannels);
        ConfigCheck.Positive("latent_channels", LatentChannels);
        ConfigCheck.Positive("upsampling_scaling_factor", UpsamplingScalingFactor);
        ConfigCheck.Require(UpsampleFn == "nearest", "upsample_fn", UpsampleFn, "must be nearest");
    }

    private static void CheckBlocks(string half, IReadOnlyList<int> channels, IReadOnlyList<int> blocks)
    {
        ConfigCheck.Require(channels.Count > 0, $"{half}_block_out_channels", "[]", "must name at least one block");
        ConfigCheck.Require(
            blocks.Count == channels.Count,
            $"num_{half}_blocks",
            blocks.Count,
            $"must have as many values as {half}_block_out_channels ({channels.Count})"
        );
        ConfigCheck.Positive($"{half}_block_out_channels", [.. channels]);
        // A halving or doubling convolution keeps its channels, so all stages have the same
        ConfigCheck.Require(
            channels.Distinct().Count() == 1,
            $"{half}_block_out_channels",
            string.Join(", ", channels),
            "must be the same in all blocks"
        );
    }
}
