using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>Paints inside a mask.</summary>
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
    /// A grey picture, or one with alpha, which is brought to the picture's size; null: it is found from
    /// <see cref="MaskPrompt"/>.
    /// </summary>
    public StoredPicture? Mask { get; init; }

    public MaskMode MaskMode { get; init; }

    /// <summary>Words for what is to be painted anew, from which the mask is found.</summary>
    public string? MaskPrompt { get; init; }

    /// <summary>
    /// Pixels of the picture around the masked area: only that area is made, at the whole of the network's size. Null makes
    /// the whole picture.
    /// </summary>
    public int? Padding { get; init; }

    /// <summary>Standard deviation, in pixels of the picture, of the blur of the mask's edge.</summary>
    public double MaskBlur { get; init; }

    /// <summary>Pixels of the picture by which the masked area grows on all sides; negative: shrinks.</summary>
    public int MaskGrow { get; init; }

    /// <summary>Share of the noise schedule that is run, above 0 to 1.</summary>
    public required double Strength { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => new(Strength, NumInferenceSteps);
}

/// <summary>Which part of a mask is painted anew.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MaskMode>))]
public enum MaskMode
{
    /// <summary>White is painted, black is kept.</summary>
    [JsonStringEnumMemberName("paint_white")]
    PaintWhite = 0,

    /// <summary>Black is painted, white is kept.</summary>
    [JsonStringEnumMemberName("paint_black")]
    PaintBlack = 1,

    /// <summary>What is transparent is painted, what is opaque is kept; a mask without alpha keeps all.</summary>
    [JsonStringEnumMemberName("paint_transparent")]
    PaintTransparent = 2,
}
