using System.ComponentModel;

namespace Generation.Api;

/// <summary>Fields of every request for pictures from a picture and words.</summary>
public abstract record ImageBody : PictureBody
{
    [Description(
        "PNG, JPEG or WebP: an upload's id, a data URI, base64, or an http(s) address; or a file of this name in a multipart form."
    )]
    public PictureSource? Image { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [("image", Image)];
}
