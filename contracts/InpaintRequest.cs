using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A request to paint inside a mask.</summary>
public sealed record InpaintRequest : ImageRequest
{
    public InpaintRequest() { }

    /// <inheritdoc cref="ImageRequest(PictureRequest, StoredPicture)"/>
    [SetsRequiredMembers]
    public InpaintRequest(PictureRequest common, StoredPicture image)
        : base(common, image) { }

    [JsonIgnore]
    public override JobKind Kind => JobKind.Inpaint;

    [JsonIgnore]
    public override IEnumerable<PromptText> Prompts =>
        MaskPrompt is null ? base.Prompts : [.. base.Prompts, new("mask_prompt", MaskPrompt)];

    /// <summary>
    /// A grey picture, or one with alpha, which is resized to the picture's size; null where it is found from <see cref="MaskPrompt"/>.
    /// </summary>
    public StoredPicture? Mask { get; init; }

    public MaskMode MaskMode { get; init; }

    /// <summary>A text that says what is to be painted, from which the mask is found.</summary>
    public string? MaskPrompt { get; init; }

    /// <summary>
    /// The number of pixels around the masked area. Where given, only that area is computed, at the network's full size; null computes the
    /// whole picture.
    /// </summary>
    public int? Padding { get; init; }

    /// <summary>The standard deviation of the blur of the mask's edge, in pixels of the picture.</summary>
    public double MaskBlur { get; init; }

    /// <summary>The number of pixels of the picture by which the masked area grows on all sides; negative numbers shrink it.</summary>
    public int MaskGrow { get; init; }

    /// <summary>The share of the noise schedule that is run, above 0 to 1.</summary>
    public required double Strength { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => new(Strength, NumInferenceSteps);
}

/// <summary>Which part of a mask is painted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MaskMode>))]
public enum MaskMode
{
    /// <summary>White is painted, black is kept.</summary>
    [JsonStringEnumMemberName("paint_white")]
    PaintWhite = 0,

    /// <summary>Black is painted, white is kept.</summary>
    [JsonStringEnumMemberName("paint_black")]
    PaintBlack = 1,

    /// <summary>Transparent parts are painted, opaque ones are kept; a mask without alpha keeps all.</summary>
    [JsonStringEnumMemberName("paint_transparent")]
    PaintTransparent = 2,
}
