using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>Changes a picture as an instruction, the prompt, says. Brooks et al., InstructPix2Pix, 2023.</summary>
public sealed record EditRequest : PictureRequest
{
    public EditRequest() { }

    /// <summary>With the common fields of <paramref name="common"/>; its other fields are to be set in the initializer.</summary>
    [SetsRequiredMembers]
    public EditRequest(PictureRequest common, StoredPicture image)
        : base(common) => Image = image;

    [JsonIgnore]
    public override JobKind Kind => JobKind.Edit;

    public required StoredPicture Image { get; init; }

    /// <summary>How closely the result keeps to the picture, 1 or more.</summary>
    public required double ImageGuidanceScale { get; init; }
}
