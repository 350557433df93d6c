using System.Text.Json.Serialization;
using Generation.Diffusion.Networks;

namespace Generation.Diffusion.Families.Video;

/// <summary>The types of stages in the down path of a UNet for videos.</summary>
public enum SpatioTemporalDownBlockType
{
    DownBlockSpatioTemporal,
    CrossAttnDownBlockSpatioTemporal,
}

/// <summary>The types of stages in the up path of a UNet for videos.</summary>
public enum SpatioTemporalUpBlockType
{
    UpBlockSpatioTemporal,
    CrossAttnUpBlockSpatioTemporal,
}

/// <summary>
/// The configuration of <see cref="UNetSpatioTemporalConditionModel"/>: the fields and defaults of diffusers' class of this name.
/// </summary>
public sealed record UNetSpatioTemporalConfig : INetworkConfig
{
    /// <summary>The number of channels of the noisy latents and of the latents of the first picture together.</summary>
    public int InChannels { get; init; } = 8;

    public int OutChannels { get; init; } = 4;

    public IReadOnlyList<SpatioTemporalDownBlockType> DownBlockTypes { get; init; } =
    [
        SpatioTemporalDownBlockType.CrossAttnDownBlockSpatioTemporal,
        SpatioTemporalDownBlockType.CrossAttnDownBlockSpatioTemporal,
        SpatioTemporalDownBlockType.CrossAttnDownBlockSpatioTemporal,
        SpatioTemporalDownBlockType.DownBlockSpatioTemporal,
    ];

    public IReadOnlyList<SpatioTemporalUpBlockType> UpBlockTypes { get; init; } =
    [
        SpatioTemporalUpBlockType.UpBlockSpatioTemporal,
        SpatioTemporalUpBlockType.CrossAttnUpBlockSpatioTemporal,
        SpatioTemporalUpBlockType.CrossAttnUpBlockSpatioTemporal,
        SpatioTemporalUpBlockType.CrossAttnUpBlockSpatioTemporal,
    ];

    public IReadOnlyList<int> BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    public int AdditionTimeEmbedDim { get; init; } = 256;

    public int ProjectionClassEmbeddingsInputDim { get; init; } = 768;

    public PerBlock<int> LayersPerBlock { get; init; } = 2;

    public PerBlock<int> CrossAttentionDim { get; init; } = 1024;

    public PerBlock<PerBlock<int>> TransformerLayersPerBlock { get; init; } = new PerBlock<int>(1);

    public PerBlock<int> NumAttentionHeads { get; init; } = new[] { 5, 10, 20, 20 };

    /// <summary>The number of frames of the videos that the network was trained on.</summary>
    public int NumFrames { get; init; } = 25;

    /// <summary>The number of blocks in each path.</summary>
    [JsonIgnore]
    public int Blocks => BlockOutChannels.Count;

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Require(Blocks > 0, "block_out_channels", "[]", "must name at least one block");
        ConfigCheck.Require(
            DownBlockTypes.Count == Blocks,
            "down_block_types",
            DownBlockTypes.Count,
            $"must have as many values as block_out_channels ({Blocks})"
        );
        ConfigCheck.Require(
            UpBlockTypes.Count == Blocks,
            "up_block_types",
            UpBlockTypes.Count,
            $"must have as many values as block_out_channels ({Blocks})"
        );
        LayersPerBlock.CheckCount("layers_per_block", Blocks);
        CrossAttentionDim.CheckCount("cross_attention_dim", Blocks);
        TransformerLayersPerBlock.CheckCount("transformer_layers_per_block", Blocks);
        NumAttentionHeads.CheckCount("num_attention_heads", Blocks);
        for (int block = 0; block < Blocks; block++)
        {
            ConfigCheck.Positive("layers_per_block", LayersPerBlock[block]);
            ConfigCheck.Divides("num_attention_heads", NumAttentionHeads[block], BlockOutChannels[block], "block_out_channels");
            ConfigCheck.Divides(
                "the group norms' number of groups",
                Layers.SpatioTemporalResBlock.Groups,
                BlockOutChannels[block],
                "block_out_channels"
            );
        }
    }
}
