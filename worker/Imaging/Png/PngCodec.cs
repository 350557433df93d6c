using Generation.Imaging.Exif;

namespace Generation.Imaging.Png;

/// <summary>
/// Reads and writes PNG through the system's libpng. Grey, palette, 16-bit and interlaced files become 8-bit grey, RGB or RGBA;
/// sample values are taken as they stand (gamma and colour profiles are not applied), as Pillow does and so as models were trained.
/// </summary>
public static class PngCodec
{
    public const string ContentType = "image/png";

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(PngChunk.Signature);

    /// <summary>Decodes a whole file. Its size is checked by <paramref name="limits"/> before memory is taken.</summary>
    /// <exception cref="PictureException">The file is no PNG, damaged, or too large.</exception>
    public static unsafe Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        byte[] essence = PngFile.Read(file, limits ?? PictureLimits.Default).Essence(file);
        var image = new LibPng.Image { Version = LibPng.ImageVersion };
        fixed (byte* memory = essence)
        {
            try
            {
                if (LibPng.BeginRead(ref image, memory, (nuint)essence.Length) == 0)
                {
                    throw Refused(ref image);
                }

                // The answer has alpha if the file has, and no colour if the file has none; grey with alpha becomes RGBA
                bool alpha = (image.Format & LibPng.Alpha) != 0;
                bool colour = alpha || (image.Format & LibPng.Colour) != 0;
                image.Format = (alpha ? LibPng.Alpha : 0) | (colour ? LibPng.Colour : 0);
                image.Flags |= LibPng.SixteenBitIsSrgb;
                var picture = new Picture((int)image.Width, (int)image.Height, alpha ? 4 : colour ? 3 : 1);
                fixed (byte* pixels = picture.Bytes)
                {
                    return LibPng.FinishRead(ref image, background: 0, pixels, picture.Stride, colormap: 0) != 0
                        ? picture
                        : throw Refused(ref image);
                }
            }
            finally
            {
                LibPng.Free(ref image);
            }
        }
    }

    /// <summary>How the file's eXIf chunk says that the picture is to be turned.</summary>
    /// <exception cref="PictureException">The file is no PNG, damaged, or too large.</exception>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        foreach (PngChunk chunk in PngFile.Read(file, limits ?? PictureLimits.Default).Chunks)
        {
            if (chunk.Type == "eXIf")
            {
                return ExifBlock.ReadOrientation(chunk.Data(file));
            }
        }

        return default;
    }

    /// <summary>
    /// Encodes a picture. Equal pictures and texts give equal bytes.
    /// Each text becomes a chunk before the picture's data, where tools look for it.
    /// </summary>
    public static byte[] Encode(Picture picture, IReadOnlyList<PngText>? texts = null)
    {
        byte[] plain = EncodePlain(picture);
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

    private static unsafe byte[] EncodePlain(Picture picture)
    {
        var image = new LibPng.Image
        {
            Version = LibPng.ImageVersion,
            Width = (uint)picture.Width,
            Height = (uint)picture.Height,
            Format = picture.Channels switch { 1 => 0, 3 => LibPng.Colour, _ => LibPng.Colour | LibPng.Alpha },
        };
        // Rows that do not compress grow by an eighth at the very most, and each 8 KiB get a chunk's frame
        long raw = (picture.Stride + 1L) * picture.Height;
        byte[] buffer = new byte[checked(raw + (raw / 8) + (raw / 8192 * PngChunk.Overhead) + 1024)];
        nuint length = (nuint)buffer.Length;
        fixed (byte* memory = buffer)
        fixed (byte* pixels = picture.Bytes)
        {
            int written = LibPng.Write(ref image, memory, ref length, convertTo8Bit: 0, pixels, picture.Stride, colormap: 0);
            string message = LibPng.Message(in image);
            LibPng.Free(ref image);
            return written != 0
                ? buffer.AsSpan(0, (int)length).ToArray()
                : throw new InvalidOperationException($"libpng could not encode {picture.Width} x {picture.Height} pixels: {message}");
        }
    }

    private static PictureException Refused(ref LibPng.Image image) =>
        PngChunk.Damaged(LibPng.Message(in image) is { Length: > 0 } message ? message : "libpng could not read it");
}
