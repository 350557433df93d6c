using System.Text.Json.Serialization;

namespace Generation.Diffusion.Networks;

/// <summary>The order of the colour channels that a ControlNet was trained on.</summary>
public enum ChannelOrder
{
    [JsonStringEnumMemberName("rgb")]
    Rgb,

    [JsonStringEnumMemberName("bgr")]
    Bgr,
}

/// <summary>The configuration of <see cref="ControlNetModel"/>: the fields and defaults of diffusers' ControlNetModel.</summary>
public sealed record ControlNetConfig : UNetBodyConfig
{
    /// <summary>The number of channels of the control picture.</summary>
    public int ConditioningChannels { get; init; } = 3;

    public IReadOnlyList<int> ConditioningEmbeddingOutChannels { get; init; } = [16, 32, 96, 256];

    public ChannelOrder ControlnetConditioningChannelOrder { get; init; } = ChannelOrder.Rgb;

    /// <summary>Whether the residuals are averaged over the picture, so that only its style matters.</summary>
    public bool GlobalPoolConditions { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ConfigCheck.Positive("conditioning_channels", ConditioningChannels);
        ConfigCheck.Require(
            ConditioningEmbeddingOutChannels.Count > 0,
            "conditioning_embedding_out_channels",
            "[]",
            "must name at least one block"
        );
    }
}
