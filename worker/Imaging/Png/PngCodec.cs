using Generation.Imaging.Exif;
using Generation.Imaging.Skia;
using SkiaSharp;

namespace Generation.Imaging.Png;

/// <summary>
/// Reads and writes PNG. Grey, palette, 16-bit and interlaced files become 8-bit grey, RGB or RGBA in sRGB. Of an animation the default
/// picture is read, which programs show that do not know animations.
/// </summary>
public static class PngCodec
{
    public const string ContentType = "image/png";

    // What libpng itself takes; Skia's zlib is faster by it
    private static readonly SKPngEncoderOptions Options = new(SKPngEncoderFilterFlags.AllFilters, zLibLevel: 6);

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(PngChunk.Signature);

    /// <summary>Decodes a whole file. Its size is checked against <paramref name="limits"/> before memory is allocated.</summary>
    /// <exception cref="PictureException">The file is not a PNG picture, or is damaged or too large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        var png = PngFile.Read(file, limits ?? PictureLimits.Default);
        var meaning = PngColours.Read(png, file);
        using SKColorSpace? colours = meaning.CodePoints;
        return SkiaDecoder.Decode(
            PngSanitizer.Of(png, file, meaning),
            (int)png.Header.Width,
            (int)png.Header.Height,
            PngChunk.Damaged,
            colours
        );
    }

    /// <summary>The orientation in the file's eXIf chunk.</summary>
    /// <exception cref="PictureException">The file is not a PNG picture, or is damaged or too large.</exception>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file, PictureLimits? limits = null) =>
        PngFile.Read(file, limits ?? PictureLimits.Default).Find("eXIf") is { } chunk
            ? ExifBlock.ReadOrientation(chunk.Data(file))
            : default;

    /// <summary>
    /// Encodes a picture. Equal pictures and texts give equal bytes. Each text becomes a chunk before the picture's data, where tools look
    /// for it.
    /// </summary>
    public static byte[] Encode(Picture picture, IReadOnlyList<PngText>? texts = null)
    {
        byte[] plain = SkiaEncoder.Encode(picture, pixels => pixels.Encode(Options), sayColours: true);
        if (texts is null or { Count: 0 })
        {
            return plain;
        }

        int afterHeader = PngChunk.Signature.Length + PngChunk.Overhead + PngHeader.Bytes;
        using var file = new MemoryStream(plain.Length + 1024);
        file.Write(plain.AsSpan(0, afterHeader));
        foreach (PngText text in texts)
        {
            text.Write(file);
        }

        file.Write(plain.AsSpan(afterHeader));
        return file.ToArray();
    }
}
