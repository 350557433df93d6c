using Generation.Diffusion.Networks;

namespace Generation.Diffusion.Vision;

/// <summary>The configuration of <see cref="CLIPSegModel"/>: the fields and defaults of transformers' CLIPSegConfig.</summary>
public sealed record ClipSegConfig : INetworkConfig
{
    public ClipTextConfig TextConfig { get; init; } = new();

    public ClipVisionConfig VisionConfig { get; init; } = new();

    public int ProjectionDim { get; init; } = 512;

    /// <summary>The vision layers whose outputs the decoder reads, counted from 0.</summary>
    public IReadOnlyList<int> ExtractLayers { get; init; } = [3, 6, 9];

    public int ReduceDim { get; init; } = 64;

    public int DecoderNumAttentionHeads { get; init; } = 4;

    public int DecoderIntermediateSize { get; init; } = 2048;

    /// <summary>The decoder layer whose input is modulated by the text.</summary>
    public int ConditionalLayer { get; init; }

    public bool UseComplexTransposedConvolution { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        TextConfig.Validate();
        VisionConfig.Validate();
        ConfigCheck.Positive("projection_dim", ProjectionDim);
        ConfigCheck.Divides("decoder_num_attention_heads", DecoderNumAttentionHeads, ReduceDim, "reduce_dim");
        ConfigCheck.Require(ExtractLayers.Count > 0, "extract_layers", "[]", "must name at least one layer");
        foreach (int layer in ExtractLayers)
        {
            ConfigCheck.Require(
                layer >= 0 && layer < VisionConfig.NumHiddenLayers,
                "extract_layers",
                layer,
                $"must be below the vision model's num_hidden_layers {VisionConfig.NumHiddenLayers}"
            );
        }
        ConfigCheck.Require(
            !UseComplexTransposedConvolution || VisionConfig.PatchSize % 4 == 0,
            "patch_size",
            VisionConfig.PatchSize,
            "must be a multiple of 4 with use_complex_transposed_convolution"
        );
    }
}
