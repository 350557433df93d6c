using Generation.Imaging.Exif;
using Generation.Imaging.Jpeg;
using Generation.Imaging.Png;
using Generation.Imaging.WebP;

namespace Generation.Imaging.Codecs;

/// <summary>
/// Reads pictures in any format that is known, which is recognised by the file's content, and writes them in the format that is asked for.
/// </summary>
public static class PictureCodec
{
    /// <summary>
    /// Decodes a file and rotates it as its EXIF orientation says. Its size is checked against <paramref name="limits"/> before memory is
    /// allocated.
    /// </summary>
    /// <exception cref="PictureException">The file is not a PNG, JPEG or WebP picture, or is damaged or too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        limits.CheckBytes(file.Length);
        (Picture picture, Orientation orientation) = PictureFormats.Detect(file) switch
        {
            PictureFormat.Png => (PngCodec.Decode(file, limits), PngCodec.ReadOrientation(file, limits)),
            PictureFormat.Jpeg => (JpegCodec.Decode(file, limits), JpegCodec.ReadOrientation(file, limits)),
            PictureFormat.WebP => (WebPCodec.Decode(file, limits), WebPCodec.ReadOrientation(file, limits)),
            _ => throw NoPicture(file),
        };
        return orientation.Apply(picture);
    }

    /// <summary>
    /// Checks a file without keeping its pixels: that it is complete, of a kind that can be read, and within the limits. Pixels of a JPEG or
    /// WebP file may still be damaged.
    /// </summary>
    /// <exception cref="PictureException">The file is not a PNG, JPEG or WebP picture, or is truncated, damaged or too large.</exception>
    public static PictureFormat Check(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        limits.CheckBytes(file.Length);
        PictureFormat format = PictureFormats.Detect(file) ?? throw NoPicture(file);
        switch (format)
        {
            case PictureFormat.Png:
                PngData.Check(PngFile.Read(file, limits), file);
                break;
            case PictureFormat.Jpeg:
                JpegFile.Read(file, limits);
                break;
            default:
                WebPFile.Read(file, limits);
                break;
        }

        return format;
    }

    /// <summary>Encodes a picture. Equal arguments give equal bytes.</summary>
    /// <param name="quality">The quality from 1 to 100, for lossy formats.</param>
    /// <param name="parameters">How the picture was made, which is written where image tools look for it; null writes nothing.</param>
    /// <exception cref="ArgumentException">The quality is out of range, or the picture is too large for the format.</exception>
    public static byte[] Encode(Picture picture, PictureFormat format, int quality = 90, string? parameters = null)
    {
        if (quality is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(quality), quality, "A quality is from 1 to 100.");
        }

        byte[]? exif = parameters is null || format == PictureFormat.Png ? null : ExifBlock.UserComment(parameters);
        return format switch
        {
            PictureFormat.Png => PngCodec.Encode(picture, parameters is null ? null : [new PngText(PngText.Parameters, parameters)]),
            PictureFormat.Jpeg => JpegCodec.Encode(picture, quality, exif),
            PictureFormat.WebP => WebPCodec.Encode(picture, quality, exif),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };
    }

    private static PictureException NoPicture(ReadOnlySpan<byte> file) =>
        new(
            PictureFault.NotAPicture,
            $"The file is not a PNG, JPEG or WebP picture but {OtherFormats.NameOf(file)}; its content was looked at, not its name."
        );
}
