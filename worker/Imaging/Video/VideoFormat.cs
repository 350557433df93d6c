namespace Generation.Imaging.Video;

/// <summary>The formats of clips.</summary>
public enum VideoFormat
{
    /// <summary>H.264 in MP4, which plays everywhere.</summary>
    Mp4,

    /// <summary>VP9 in WebM.</summary>
    WebM,

    /// <summary>GIF with 256 colours, which loops.</summary>
    Gif,

    /// <summary>Animated WebP, which loops.</summary>
    WebP,

    /// <summary>A zip archive of PNG files, one for each frame.</summary>
    Zip,
}

/// <summary>Names of video formats.</summary>
public static class VideoFormats
{
    /// <summary>The names of all formats in requests.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mp4", "webm", "gif", "webp", "zip"];

    /// <summary>The format of a name in requests; null where no format has that name.</summary>
    public static VideoFormat? Find(string name) =>
        name.ToLowerInvariant() switch
        {
            "mp4" => VideoFormat.Mp4,
            "webm" => VideoFormat.WebM,
            "gif" => VideoFormat.Gif,
            "webp" => VideoFormat.WebP,
            "zip" => VideoFormat.Zip,
            _ => null,
        };

    public static string ContentType(this VideoFormat format) =>
        format switch
        {
            VideoFormat.Mp4 => "video/mp4",
            VideoFormat.WebM => "video/webm",
            VideoFormat.Gif => "image/gif",
            VideoFormat.WebP => "image/webp",
            _ => "application/zip",
        };

    /// <summary>
    /// Size in pixels of a file with frames of a size: that of the frames, or with even sides, the next larger, where the colours are
    /// stored at half resolution.
    /// </summary>
    public static (int Width, int Height) SizeOf(this VideoFormat format, int width, int height) =>
        format is VideoFormat.Mp4 or VideoFormat.WebM ? (width + (width % 2), height + (height % 2)) : (width, height);

    /// <summary>The extension of file names, without the dot.</summary>
    public static string Extension(this VideoFormat format) =>
        format switch
        {
            VideoFormat.Mp4 => "mp4",
            VideoFormat.WebM => "webm",
            VideoFormat.Gif => "gif",
            VideoFormat.WebP => "webp",
            _ => "zip",
        };
}

/// <summary>A clip could not be encoded. The message says why, in ffmpeg's words where it comes from ffmpeg.</summary>
public sealed class VideoException(string message, Exception? inner = null) : Exception(message, inner);
