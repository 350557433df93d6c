using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Generation.Imaging.Exif;

namespace Generation.Imaging.Jpeg;

/// <summary>Reads and writes JPEG through the system's libjpeg-turbo. Grey, RGB and CMYK files, baseline and progressive.</summary>
public static class JpegCodec
{
    public const string ContentType = "image/jpeg";

    /// <summary>Largest side of the format.</summary>
    private const int MaxSide = 65_535;

    private const int MaxSegment = 65_533;

    /// <summary>From this quality on colours keep their full resolution.</summary>
    private const int FullColourQuality = 90;

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.Length > 3 && file[0] == 0xFF && file[1] == 0xD8 && file[2] == 0xFF;

    /// <summary>Decodes a file, as it stands: not turned by its EXIF orientation.</summary>
    /// <exception cref="PictureException">The file is no JPEG, damaged, or too large.</exception>
    public static unsafe Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        limits.CheckBytes(file.Length);
        if (!IsJpeg(file))
        {
            throw new PictureException(PictureFault.NotAPicture, "The file is not a JPEG picture.");
        }

        nint handle = Checked(LibTurboJpeg.InitDecompress());
        try
        {
            fixed (byte* bytes = file)
            {
                var size = new CULong((nuint)file.Length);
                if (LibTurboJpeg.DecompressHeader(handle, bytes, size, out int width, out int height, out _, out int colours) != 0
                    && LibTurboJpeg.ErrorCode(handle) != LibTurboJpeg.Warning)
                {
                    throw Damaged(LibTurboJpeg.Message(handle));
                }

                limits.CheckSize(width, height);
                (int pixelFormat, int channels) = colours switch
                {
                    LibTurboJpeg.ColourGrey => (LibTurboJpeg.PixelsGrey, 1),
                    LibTurboJpeg.ColourCmyk or LibTurboJpeg.ColourYcck => (LibTurboJpeg.PixelsCmyk, 4),
                    _ => (LibTurboJpeg.PixelsRgb, 3),
                };
                var picture = new Picture(width, height, channels);
                fixed (byte* pixels = picture.Bytes)
                {
                    int result = LibTurboJpeg.Decompress(
                        handle, bytes, size, pixels, width, picture.Stride, height, pixelFormat, LibTurboJpeg.AccurateDct | LibTurboJpeg.LimitScans);
                    // Cameras write harmless oddities that the library warns of; missing data is none of them
                    if (result != 0 && (LibTurboJpeg.ErrorCode(handle) != LibTurboJpeg.Warning || IsMissingData(LibTurboJpeg.Message(handle))))
                    {
                        throw Damaged(LibTurboJpeg.Message(handle));
                    }
                }

                return pixelFormat == LibTurboJpeg.PixelsCmyk ? FromCmyk(picture) : picture;
            }
        }
        finally
        {
            _ = LibTurboJpeg.Destroy(handle);
        }
    }

    /// <summary>How the file's EXIF block says that the picture is to be turned.</summary>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file)
    {
        int exif = FindExif(file, out int length);
        return exif < 0 ? default : ExifBlock.ReadOrientation(file.Slice(exif, length));
    }

    /// <summary>Encodes a picture; transparency is laid over white. Equal arguments give equal bytes.</summary>
    /// <param name="quality">1 to 100.</param>
    /// <param name="exif">An EXIF block (TIFF) to go with it, or null. One that does not fit into a segment is left out.</param>
    /// <exception cref="ArgumentException">A side is longer than the format has.</exception>
    internal static unsafe byte[] Encode(Picture picture, int quality, byte[]? exif = null)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide)
        {
            throw new ArgumentException($"A JPEG's side has at most {MaxSide} pixels.", nameof(picture));
        }

        Picture opaque = picture.Channels == 4 ? picture.ToRgb() : picture;
        bool grey = opaque.Channels == 1;
        int sampling = grey ? LibTurboJpeg.SamplesGrey : quality >= FullColourQuality ? LibTurboJpeg.Samples444 : LibTurboJpeg.Samples420;
        nint handle = Checked(LibTurboJpeg.InitCompress());
        byte* file = null;
        try
        {
            var size = default(CULong);
            fixed (byte* pixels = opaque.Bytes)
            {
                int result = LibTurboJpeg.Compress(
                    handle, pixels, opaque.Width, opaque.Stride, opaque.Height, grey ? LibTurboJpeg.PixelsGrey : LibTurboJpeg.PixelsRgb,
                    ref file, ref size, sampling, quality, LibTurboJpeg.AccurateDct);
                if (result != 0)
                {
                    throw new InvalidOperationException(
                        $"libjpeg-turbo could not encode {picture.Width} x {picture.Height} pixels: {LibTurboJpeg.Message(handle)}");
                }
            }

            var encoded = new ReadOnlySpan<byte>(file, checked((int)size.Value));
            return exif is null || exif.Length + 8 > MaxSegment ? encoded.ToArray() : WithExif(encoded, exif);
        }
        finally
        {
            LibTurboJpeg.Free(file);
            _ = LibTurboJpeg.Destroy(handle);
        }
    }

    /// <summary>The EXIF segment right behind the start of the file, where the standard wants it.</summary>
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

    /// <summary>Where the EXIF segment's data is; -1 where there is none before the picture's data.</summary>
    internal static int FindExif(ReadOnlySpan<byte> file, out int length)
    {
        int position = 2;
        length = 0;
        while (position + 4 <= file.Length && file[position] == 0xFF)
        {
            byte marker = file[position + 1];
            if (marker == 0xFF)
            {
                position++;
                continue;
            }

            int segment = BinaryPrimitives.ReadUInt16BigEndian(file[(position + 2)..]);
            if (marker is 0xDA or 0xD9 || segment < 2 || position + 2 + segment > file.Length)
            {
                return -1;
            }

            if (marker == 0xE1 && file[(position + 4)..].StartsWith("Exif\0\0"u8))
            {
                length = segment - 2;
                return position + 4;
            }

            position += 2 + segment;
        }

        return -1;
    }

    /// <summary>Print colours, stored inverted as Adobe does and everyone after it, to red, green and blue without a profile.</summary>
    private static Picture FromCmyk(Picture cmyk)
    {
        var rgb = new Picture(cmyk.Width, cmyk.Height, 3);
        for (int i = 0; i < cmyk.Width * cmyk.Height; i++)
        {
            int key = cmyk.Bytes[(i * 4) + 3];
            for (int c = 0; c < 3; c++)
            {
                rgb.Bytes[(i * 3) + c] = (byte)(((cmyk.Bytes[(i * 4) + c] * key) + 127) / 255);
            }
        }

        return rgb;
    }

    private static bool IsMissingData(string message) =>
        message.Contains("Premature end", StringComparison.OrdinalIgnoreCase) || message.Contains("bad Huffman", StringComparison.OrdinalIgnoreCase);

    private static PictureException Damaged(string message) =>
        new(PictureFault.Damaged, $"The JPEG file is damaged or of an unknown kind: {message}.");

    private static nint Checked(nint handle) =>
        handle != 0 ? handle : throw new InvalidOperationException("libjpeg-turbo could not be set up.");
}
