using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>What every request has that begins with a picture.</summary>
public abstract record ImageRequest : PictureRequest
{
    protected ImageRequest() { }

    /// <summary>Takes the common fields of <paramref name="common"/>; the fields of this class are set in the initializer.</summary>
    [SetsRequiredMembers]
    protected ImageRequest(PictureRequest common, StoredPicture image)
        : base(common) => Image = image;

    public required StoredPicture Image { get; init; }
}

/// <summary>A request for pictures from a picture and a prompt; the strength says how much may change.</summary>
public sealed record Img2ImgRequest : ImageRequest
{
    public Img2ImgRequest() { }

    /// <inheritdoc cref="ImageRequest(PictureRequest, StoredPicture)"/>
    [SetsRequiredMembers]
    public Img2ImgRequest(PictureRequest common, StoredPicture image)
        : base(common, image) { }

    [JsonIgnore]
    public override JobKind Kind => JobKind.Img2Img;

    /// <summary>The share of the noise schedule that is run, above 0 to 1: 1 ignores the picture. Meng et al., SDEdit, 2022.</summary>
    public required double Strength { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => new(Strength, NumInferenceSteps);
}

/// <summary>A request to change a picture as an instruction, the prompt, says. Brooks et al., InstructPix2Pix, 2023.</summary>
public sealed record EditRequest : ImageRequest
{
    public EditRequest() { }

    /// <inheritdoc cref="ImageRequest(PictureRequest, StoredPicture)"/>
    [SetsRequiredMembers]
    public EditRequest(PictureRequest common, StoredPicture image)
        : base(common, image) { }

    [JsonIgnore]
    public override JobKind Kind => JobKind.Edit;

    /// <summary>How closely the result keeps to the picture, 1 or more.</summary>
    public required double ImageGuidanceScale { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => ScheduleShare.Whole(NumInferenceSteps);
}

/// <summary>A request to paint beyond the borders of a picture: the outputs are larger by the pixels that are added on each side.</summary>
public sealed record OutpaintRequest : ImageRequest
{
    /// <summary>
    /// The strength for a network that does not take the mask. It begins from the extended edges of the picture, and not from noise alone,
    /// because otherwise it would draw a picture of its own beside the old one.
    /// </summary>
    private const double StrengthFromEdges = 0.8;

    public OutpaintRequest() { }

    /// <inheritdoc cref="ImageRequest(PictureRequest, StoredPicture)"/>
    [SetsRequiredMembers]
    public OutpaintRequest(PictureRequest common, StoredPicture image)
        : base(common, image) { }

    [JsonIgnore]
    public override JobKind Kind => JobKind.Outpaint;

    /// <summary>Pixels to add on the left.</summary>
    public int Left { get; init; }

    /// <summary>Pixels to add on the right.</summary>
    public int Right { get; init; }

    /// <summary>Pixels to add above.</summary>
    public int Top { get; init; }

    /// <summary>Pixels to add below.</summary>
    public int Bottom { get; init; }

    /// <summary>The number of pixels inside the old border over which old and new are blended.</summary>
    public int Overlap { get; init; }

    // As many steps as were asked for, over the part of the schedule that is run
    public override ScheduleShare FirstPass(ModelEntry model) =>
        model.Network?.SeesMask == true
            ? ScheduleShare.Whole(NumInferenceSteps)
            : new ScheduleShare(StrengthFromEdges, (int)Math.Ceiling(NumInferenceSteps / StrengthFromEdges));
}
