using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>Paints beyond the borders of a picture: the outputs are as much larger as the sides say.</summary>
public sealed record OutpaintRequest : PictureRequest
{
    public OutpaintRequest() { }

    /// <summary>With the common fields of <paramref name="common"/>; its other fields are to be set in the initializer.</summary>
    [SetsRequiredMembers]
    public OutpaintRequest(PictureRequest common, StoredPicture image)
        : base(common) => Image = image;

    [JsonIgnore]
    public override JobKind Kind => JobKind.Outpaint;

    public required StoredPicture Image { get; init; }

    /// <summary>Pixels to add on each side.</summary>
    public int Left { get; init; }

    public int Right { get; init; }

    public int Top { get; init; }

    public int Bottom { get; init; }

    /// <summary>Pixels inside the old border over which new and old blend.</summary>
    public int Overlap { get; init; }
}
