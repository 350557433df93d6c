using Generation.Imaging.Jpeg;
using Generation.Imaging.Png;
using Generation.Imaging.WebP;

namespace Generation.Imaging.Codecs;

/// <summary>The file formats that are read and written.</summary>
public enum PictureFormat
{
    /// <summary>Lossless. Portable Network Graphics, third edition.</summary>
    Png,

    /// <summary>Lossy, without transparency. ITU-T T.81.</summary>
    Jpeg,

    /// <summary>Lossy, with transparency. RFC 9649.</summary>
    WebP,
}

/// <summary>The names of formats, and the format of a file by its content.</summary>
public static class PictureFormats
{
    /// <summary>The names of the formats in requests.</summary>
    public static IReadOnlyList<string> Names { get; } = ["png", "jpg", "webp"];

    /// <summary>The format of a name in requests; null where no format has that name.</summary>
    public static PictureFormat? Find(string name) =>
        name.ToLowerInvariant() switch
        {
            "png" => PictureFormat.Png,
            "jpg" or "jpeg" => PictureFormat.Jpeg,
            "webp" => PictureFormat.WebP,
            _ => null,
        };

    /// <summary>The format by the file's first bytes. The file's name and declared type do not matter.</summary>
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

    /// <summary>The extension of file names, without the dot.</summary>
    public static string Extension(this PictureFormat format) =>
        format switch
        {
            PictureFormat.Png => "png",
            PictureFormat.Jpeg => "jpg",
            _ => "webp",
        };
}
