using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A picture and words to pictures.</summary>
public sealed record Img2ImgRequest : PictureRequest
{
    public Img2ImgRequest() { }

    /// <summary>With the common fields of <paramref name="common"/>; its other fields are to be set in the initializer.</summary>
    [SetsRequiredMembers]
    public Img2ImgRequest(PictureRequest common, StoredPicture image)
        : base(common) => Image = image;

    [JsonIgnore]
    public override JobKind Kind => JobKind.Img2Img;

    public required StoredPicture Image { get; init; }

    /// <summary>Share of the noise schedule that is run, above 0 to 1: 1 forgets the picture. Meng et al., SDEdit, 2022.</summary>
    public required double Strength { get; init; }
}
