using System.Buffers.Binary;
using Generation.Imaging.Exif;
using Generation.Imaging.Skia;
using SkiaSharp;

namespace Generation.Imaging.Jpeg;

/// <summary>Reads and writes JPEG. Grey, RGB and CMYK files, baseline and progressive, become grey or RGB in sRGB.</summary>
public static class JpegCodec
{
    public const string ContentType = "image/jpeg";

    /// <summary>The largest side of the format, in pixels.</summary>
    private const int MaxSide = 65_535;

    private const int MaxSegment = 65_533;

    /// <summary>The quality from which on colours keep their full resolution.</summary>
    private const int FullColourQuality = 90;

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.Length > 3 && file[0] == 0xFF && file[1] == 0xD8 && file[2] == 0xFF;

    /// <summary>
    /// Decodes a file as it is stored, not rotated by its EXIF orientation. CMYK is read as stored inverted, as Adobe does.
    /// </summary>
    /// <exception cref="PictureException">The file is not a JPEG picture, or is damaged or too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        var jpeg = JpegFile.Read(file, limits ?? PictureLimits.Default);
        JpegDataCheck.Run(jpeg, file);
        return SkiaDecoder.Decode(file[..(jpeg.End + 2)], jpeg.Frame.Width, jpeg.Frame.Height, Damaged);
    }

    /// <summary>The orientation in the file's EXIF block.</summary>
    /// <exception cref="PictureException">The file is not a JPEG picture, or is damaged or too large.</exception>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file, PictureLimits? limits = null) =>
        JpegFile.Read(file, limits ?? PictureLimits.Default).Orientation;

    /// <summary>Encodes a picture over a white background. Equal arguments give equal bytes.</summary>
    /// <param name="quality">The quality from 1 to 100.</param>
    /// <param name="exif">An EXIF block (TIFF) to write to the file, or null. One that does not fit into a segment is left out.</param>
    /// <exception cref="ArgumentException">A side is longer than the format allows.</exception>
    internal static byte[] Encode(Picture picture, int quality, byte[]? exif = null)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide)
        {
            throw new ArgumentException($"A JPEG's side has at most {MaxSide} pixels.", nameof(picture));
        }

        var options = new SKJpegEncoderOptions(
            quality,
            quality >= FullColourQuality ? SKJpegEncoderDownsample.Downsample444 : SKJpegEncoderDownsample.Downsample420,
            SKJpegEncoderAlphaOption.Ignore
        );
        byte[] encoded = SkiaEncoder.Encode(picture.Channels == 4 ? picture.ToRgb() : picture, pixels => pixels.Encode(options));
        return exif is null || exif.Length + 8 > MaxSegment ? encoded : WithExif(encoded, exif);
    }

    /// <summary>Inserts the EXIF segment right after the start of the file, where the standard requires it.</summary>
    private static byte[] WithExif(ReadOnlySpan<byte> file, byte[] exif)
    {
        byte[] whole = new byte[file.Length + exif.Length + 10];
        Span<byte> to = whole;
        file[..2].CopyTo(to);
        to[2] = 0xFF;
        to[3] = 0xE1;
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], (ushort)(exif.Length + 8));
        "Exif\0\0"u8.CopyTo(to[6..]);
        exif.CopyTo(to[12..]);
        file[2..].CopyTo(to[(12 + exif.Length)..]);
        return whole;
    }

    internal static PictureException Damaged(string what) =>
        new(PictureFault.Damaged, $"The JPEG file is damaged or of an unknown kind: {what}.");
}
