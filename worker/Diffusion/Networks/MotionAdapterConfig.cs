namespace Generation.Diffusion.Networks;

/// <summary>The configuration of AnimateDiff's motion modules: the fields and defaults of diffusers' MotionAdapter.</summary>
public sealed record MotionAdapterConfig : INetworkConfig
{
    public IReadOnlyList<int> BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    public PerBlock<int> MotionLayersPerBlock { get; init; } = 2;

    public PerBlock<PerBlock<int>> MotionTransformerLayersPerBlock { get; init; } = new PerBlock<int>(1);

    public int MotionMidBlockLayersPerBlock { get; init; } = 1;

    public PerBlock<int> MotionTransformerLayersPerMidBlock { get; init; } = 1;

    public PerBlock<int> MotionNumAttentionHeads { get; init; } = 8;

    /// <summary>The largest number of frames, for which the modules have positions.</summary>
    public int MotionMaxSeqLength { get; init; } = 32;

    public bool UseMotionMidBlock { get; init; } = true;

    public int? ConvInChannels { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        int blocks = BlockOutChannels.Count;
        ConfigCheck.Require(blocks > 0, "block_out_channels", "[]", "must name at least one block");
        ConfigCheck.Positive("motion_max_seq_length", MotionMaxSeqLength);
        ConfigCheck.Require(
            MotionMidBlockLayersPerBlock == 1,
            "motion_mid_block_layers_per_block",
            MotionMidBlockLayersPerBlock,
            "must be 1"
        );
        ConfigCheck.Require(
            ConvInChannels is null,
            "conv_in_channels",
            ConvInChannels,
            "must be null (a convolution in of the adapter's own is not built)"
        );
        MotionLayersPerBlock.CheckCount("motion_layers_per_block", blocks);
        MotionTransformerLayersPerBlock.CheckCount("motion_transformer_layers_per_block", blocks);
        MotionNumAttentionHeads.CheckCount("motion_num_attention_heads", blocks);
        for (int block = 0; block < blocks; block++)
        {
            ConfigCheck.Divides(
                "motion_num_attention_heads",
                MotionNumAttentionHeads[block],
                BlockOutChannels[block],
                "block_out_channels"
            );
        }
    }
}
