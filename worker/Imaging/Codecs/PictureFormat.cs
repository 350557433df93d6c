using Generation.Imaging.Jpeg;
using Generation.Imaging.Png;
using Generation.Imaging.WebP;

namespace Generation.Imaging.Codecs;

/// <summary>The file formats that are read and written.</summary>
public enum PictureFormat
{
    /// <summary>Without loss. Portable Network Graphics, third edition.</summary>
    Png,

    /// <summary>With loss, without transparency. ITU-T T.81.</summary>
    Jpeg,

    /// <summary>With loss, with transparency. RFC 9649.</summary>
    WebP,
}

/// <summary>Names of formats, and the format of a file by its content.</summary>
public static class PictureFormats
{
    /// <summary>What requests call the formats.</summary>
    public static IReadOnlyList<string> Names { get; } = ["png", "jpg", "webp"];

    /// <summary>The format that a request names; null where there is none of that name.</summary>
    public static PictureFormat? Find(string name) =>
        name.ToLowerInvariant() switch
        {
            "png" => PictureFormat.Png,
            "jpg" or "jpeg" => PictureFormat.Jpeg,
            "webp" => PictureFormat.WebP,
            _ => null,
        };

    /// <summary>The format by the file's first bytes; its name and declared type say nothing.</summary>
    public static PictureFormat? Detect(ReadOnlySpan<byte> file) =>
        PngCodec.IsPng(file) ? PictureFormat.Png
        : JpegCodec.IsJpeg(file) ? PictureFormat.Jpeg
        : WebPCodec.IsWebP(file) ? PictureFormat.WebP
        : null;

    public static string ContentType(this PictureFormat format) =>
        format switch
        {
            PictureFormat.Png => PngCodec.ContentType,
            PictureFormat.Jpeg => JpegCodec.ContentType,
            _ => WebPCodec.ContentType,
        };

    /// <summary>Ending of a file's name, without the dot.</summary>
    public static string Extension(this PictureFormat format) =>
        format switch
        {
            PictureFormat.Png => "png",
            PictureFormat.Jpeg => "jpg",
            _ => "webp",
        };
}
