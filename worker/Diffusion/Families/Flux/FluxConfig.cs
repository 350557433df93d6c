using System.Text.Json.Serialization;
using Generation.Diffusion.Networks;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// The configuration of <see cref="FluxTransformer2DModel"/>: the fields and defaults of diffusers' FluxTransformer2DModel.
/// </summary>
public sealed record FluxConfig : INetworkConfig
{
    public int PatchSize { get; init; } = 1;

    /// <summary>
    /// The number of features of a packed 2x2 patch of latents: 64, or 384 for Fill, with the masked picture and the mask.
    /// </summary>
    public int InChannels { get; init; } = 64;

    /// <summary>Null means <see cref="InChannels"/>.</summary>
    public int? OutChannels { get; init; }

    /// <summary>The number of blocks in which text and picture have weights of their own.</summary>
    public int NumLayers { get; init; } = 19;

    /// <summary>The number of blocks in which text and picture share weights.</summary>
    public int NumSingleLayers { get; init; } = 38;

    public int AttentionHeadDim { get; init; } = 128;

    public int NumAttentionHeads { get; init; } = 24;

    /// <summary>The number of features of the hidden states of T5.</summary>
    public int JointAttentionDim { get; init; } = 4096;

    /// <summary>The number of features of the pooled state of CLIP.</summary>
    public int PooledProjectionDim { get; init; } = 768;

    /// <summary>Whether the guidance scale is an input (dev, Fill) or not (schnell).</summary>
    public bool GuidanceEmbeds { get; init; }

    /// <summary>For each axis of the positions the number of features of a head that it rotates.</summary>
    public IReadOnlyList<int> AxesDimsRope { get; init; } = [16, 56, 56];

    /// <summary>The number of features of a token.</summary>
    [JsonIgnore]
    public int InnerDim => NumAttentionHeads * AttentionHeadDim;

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Require(PatchSize == 1, "patch_size", PatchSize, "must be 1");
        ConfigCheck.Positive("in_channels", InChannels);
        ConfigCheck.Positive("num_attention_heads", NumAttentionHeads);
        ConfigCheck.Positive("attention_head_dim", AttentionHeadDim);
        ConfigCheck.Require(NumLayers >= 0, "num_layers", NumLayers, "must not be negative");
        ConfigCheck.Require(NumSingleLayers >= 0, "num_single_layers", NumSingleLayers, "must not be negative");
        ConfigCheck.Require(
            AxesDimsRope.All(axis => axis > 0 && axis % 2 == 0),
            "axes_dims_rope",
            string.Join(", ", AxesDimsRope),
            "must be positive even numbers"
        );
        ConfigCheck.Require(
            AxesDimsRope.Sum() == AttentionHeadDim,
            "axes_dims_rope",
            string.Join(", ", AxesDimsRope),
            $"must add up to attention_head_dim {AttentionHeadDim}"
        );
    }
}
