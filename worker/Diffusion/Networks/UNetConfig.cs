namespace Generation.Diffusion.Networks;

/// <summary>The types of stages of the up path.</summary>
public enum UpBlockType
{
    UpBlock2D,
    CrossAttnUpBlock2D,
}

/// <summary>The configuration of <see cref="UNet2DConditionModel"/>: the fields and defaults of diffusers' UNet2DConditionModel.</summary>
public sealed record UNetConfig : UNetBodyConfig
{
    public int OutChannels { get; init; } = 4;

    /// <summary>The height and width of the latents that the network was trained on; null when the config does not say.</summary>
    public PerBlock<int>? SampleSize { get; init; }

    public bool CenterInputSample { get; init; }

    public IReadOnlyList<UpBlockType> UpBlockTypes { get; init; } =
    [UpBlockType.UpBlock2D, UpBlockType.CrossAttnUpBlock2D, UpBlockType.CrossAttnUpBlock2D, UpBlockType.CrossAttnUpBlock2D];

    /// <summary>
    /// The same as <see cref="UNetBodyConfig.TransformerLayersPerBlock"/> for the up path, in its own order; null for that of the down
    /// path, reversed.
    /// </summary>
    public PerBlock<PerBlock<int>>? ReverseTransformerLayersPerBlock { get; init; }

    public bool DualCrossAttention { get; init; }

    public int ConvInKernel { get; init; } = 3;

    public int ConvOutKernel { get; init; } = 3;

    public string AttentionType { get; init; } = "default";

    public string? CrossAttentionNorm { get; init; }

    /// <summary>The number of transformer layers of block <paramref name="block"/> of the up path, counted from the middle.</summary>
    public PerBlock<int> UpTransformerLayers(int block) =>
        ReverseTransformerLayersPerBlock is { } reverse ? reverse[block] : TransformerLayersPerBlock[Blocks - 1 - block];

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ConfigCheck.Require(
            UpBlockTypes.Count == Blocks,
            "up_block_types",
            UpBlockTypes.Count,
            $"must have as many values as block_out_channels ({Blocks})"
        );
        ConfigCheck.Positive("out_channels", OutChannels);
        ConfigCheck.Require(ConvInKernel % 2 == 1, "conv_in_kernel", ConvInKernel, "must be odd");
        ConfigCheck.Require(ConvOutKernel % 2 == 1, "conv_out_kernel", ConvOutKernel, "must be odd");
        ReverseTransformerLayersPerBlock?.CheckCount("reverse_transformer_layers_per_block", Blocks);
        ConfigCheck.Require(
            NumAttentionHeads is null,
            "num_attention_heads",
            NumAttentionHeads,
            "must be null (the reference reads attention_head_dim)"
        );
        ConfigCheck.Require(!DualCrossAttention, "dual_cross_attention", DualCrossAttention, "must be false");
        ConfigCheck.Require(AttentionType == "default", "attention_type", AttentionType, "must be default");
        ConfigCheck.Require(CrossAttentionNorm is null, "cross_attention_norm", CrossAttentionNorm, "must be null");
        for (int block = 0; block < Blocks; block++)
        {
            // (resnets of the way down) + 1 on the way up, so lists per attention are one longer there
            ConfigCheck.Require(
                ReverseTransformerLayersPerBlock is not null || TransformerLayersPerBlock[block].Count is null,
                "reverse_transformer_layers_per_block",
                null,
                "must be given where transformer_layers_per_block holds lists"
            );
        }
    }
}
