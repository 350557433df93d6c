using System.Buffers.Binary;
using Generation.Imaging.Exif;
using Generation.Imaging.Skia;
using SkiaSharp;

namespace Generation.Imaging.WebP;

/// <summary>Reads and writes WebP, lossy and lossless, with transparency, in sRGB. Of an animation the first frame is read.</summary>
public static class WebPCodec
{
    public const string ContentType = "image/webp";

    /// <summary>The largest side of the format, in pixels.</summary>
    public const int MaxSide = 16_383;

    private const byte ExifFlag = 0x08;

    public static bool IsWebP(ReadOnlySpan<byte> file) =>
        file.Length >= WebPFile.HeaderBytes && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8);

    /// <summary>Decodes a file as it is stored, not rotated by its EXIF orientation.</summary>
    /// <exception cref="PictureException">The file is not a WebP picture, or is damaged or too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        var webp = WebPFile.Read(file, limits ?? PictureLimits.Default);
        return SkiaDecoder.Decode(file[..webp.End], webp.Width, webp.Height, Damaged);
    }

    /// <summary>The orientation in the file's EXIF block.</summary>
    /// <exception cref="PictureException">The file is not a WebP picture, or is damaged or too large.</exception>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file, PictureLimits? limits = null) =>
        WebPFile.Read(file, limits ?? PictureLimits.Default).Orientation;

    /// <summary>Encodes a picture; grey is written as colour. Equal arguments give equal bytes.</summary>
    /// <param name="quality">The quality from 1 to 100.</param>
    /// <param name="exif">An EXIF block (TIFF) to write to the file, or null.</param>
    /// <exception cref="ArgumentException">A side is longer than the format allows.</exception>
    internal static byte[] Encode(Picture picture, int quality, byte[]? exif = null)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide)
        {
            throw new ArgumentException($"A WebP's side has at most {MaxSide} pixels.", nameof(picture));
        }

        var options = new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossy, quality);
        byte[] encoded = SkiaEncoder.Encode(picture.Channels == 1 ? picture.ToRgb() : picture, pixels => pixels.Encode(options));
        return exif is null ? encoded : WithExif(encoded, picture, exif);
    }

    /// <summary>
    /// Makes the extended form of the file: its features, the picture's own chunks, the EXIF chunk. RFC 9649, section 2.7.
    /// </summary>
    private static byte[] WithExif(ReadOnlySpan<byte> file, Picture picture, byte[] exif)
    {
        using var whole = new MemoryStream(file.Length + exif.Length + 64);
        whole.Write(file[..WebPFile.HeaderBytes]);
        ReadOnlySpan<byte> chunks = file[WebPFile.HeaderBytes..];
        if (chunks.StartsWith("VP8X"u8))
        {
            // The extended form is there already, for the transparency
            byte[] first = chunks[..(WebPFile.ChunkHeaderBytes + 10)].ToArray();
            first[WebPFile.ChunkHeaderBytes] |= ExifFlag;
            whole.Write(first);
            whole.Write(chunks[first.Length..]);
        }
        else
        {
            Span<byte> features = stackalloc byte[10];
            features[0] = ExifFlag;
            Write24(features[4..], picture.Width - 1);
            Write24(features[7..], picture.Height - 1);
            WriteChunk(whole, "VP8X"u8, features);
            whole.Write(chunks);
        }

        WriteChunk(whole, "EXIF"u8, exif);
        byte[] bytes = whole.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length - 8);
        return bytes;
    }

    private static void WriteChunk(MemoryStream to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, data.Length);
        to.Write(name);
        to.Write(length);
        to.Write(data);
        if ((data.Length & 1) != 0)
        {
            to.WriteByte(0);
        }
    }

    private static void Write24(Span<byte> to, int value)
    {
        to[0] = (byte)value;
        to[1] = (byte)(value >> 8);
        to[2] = (byte)(value >> 16);
    }

    internal static PictureException Damaged(string what) => new(PictureFault.Damaged, $"The WebP file is damaged: {what}.");
}
