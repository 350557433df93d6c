using System.Buffers.Binary;
using Generation.Imaging.Exif;

namespace Generation.Imaging.WebP;

/// <summary>Reads and writes WebP through the system's libwebp. Still pictures, with and without loss and transparency.</summary>
public static class WebPCodec
{
    public const string ContentType = "image/webp";

    /// <summary>Largest side of the format.</summary>
    public const int MaxSide = 16_383;

    private const int HeaderBytes = 12;
    private const int ChunkHeaderBytes = 8;
    private const byte AlphaFlag = 0x10;
    private const byte ExifFlag = 0x08;

    public static bool IsWebP(ReadOnlySpan<byte> file) =>
        file.Length >= HeaderBytes && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8);

    /// <summary>Decodes a file, as it stands: not turned by its EXIF orientation.</summary>
    /// <exception cref="PictureException">The file is no WebP, an animation, damaged, or too large.</exception>
    public static unsafe Picture Decode(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        limits.CheckBytes(file.Length);
        if (!IsWebP(file))
        {
            throw new PictureException(PictureFault.NotAPicture, "The file is not a WebP picture.");
        }

        fixed (byte* bytes = file)
        {
            if (LibWebP.GetFeatures(bytes, (nuint)file.Length, out LibWebP.Features features, LibWebP.DecoderAbi) != 0)
            {
                throw Damaged("its header cannot be read");
            }

            limits.CheckSize(features.Width, features.Height);
            if (features.HasAnimation != 0)
            {
                throw new PictureException(PictureFault.NotAPicture, "The WebP file is an animation; a still picture is needed.");
            }

            var picture = new Picture(features.Width, features.Height, features.HasAlpha != 0 ? 4 : 3);
            fixed (byte* pixels = picture.Bytes)
            {
                nint result = picture.Channels == 4
                    ? LibWebP.DecodeRgba(bytes, (nuint)file.Length, pixels, (nuint)picture.Bytes.Length, picture.Stride)
                    : LibWebP.DecodeRgb(bytes, (nuint)file.Length, pixels, (nuint)picture.Bytes.Length, picture.Stride);
                return result != 0 ? picture : throw Damaged("its data cannot be decoded or ends early");
            }
        }
    }

    /// <summary>How the file's EXIF block says that the picture is to be turned.</summary>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> exif = FindExif(file);
        return exif.IsEmpty ? default : ExifBlock.ReadOrientation(exif);
    }

    /// <summary>Encodes a picture; grey becomes colour. Equal arguments give equal bytes.</summary>
    /// <param name="quality">1 to 100.</param>
    /// <param name="exif">An EXIF block (TIFF) to go with it, or null.</param>
    /// <exception cref="ArgumentException">A side is longer than the format has.</exception>
    internal static unsafe byte[] Encode(Picture picture, int quality, byte[]? exif = null)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide)
        {
            throw new ArgumentException($"A WebP's side has at most {MaxSide} pixels.", nameof(picture));
        }

        Picture source = picture.Channels == 1 ? picture.ToRgb() : picture;
        byte* file = null;
        try
        {
            nuint size;
            fixed (byte* pixels = source.Bytes)
            {
                size = source.Channels == 4
                    ? LibWebP.EncodeRgba(pixels, source.Width, source.Height, source.Stride, quality, out file)
                    : LibWebP.EncodeRgb(pixels, source.Width, source.Height, source.Stride, quality, out file);
            }

            if (size == 0)
            {
                throw new InvalidOperationException($"libwebp could not encode {picture.Width} x {picture.Height} pixels.");
            }

            var encoded = new ReadOnlySpan<byte>(file, checked((int)size));
            return exif is null ? encoded.ToArray() : WithExif(encoded, source, exif);
        }
        finally
        {
            LibWebP.Free(file);
        }
    }

    /// <summary>The data of the EXIF chunk; empty where there is none.</summary>
    internal static ReadOnlySpan<byte> FindExif(ReadOnlySpan<byte> file)
    {
        int position = HeaderBytes;
        while (position + ChunkHeaderBytes <= file.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[(position + 4)..]);
            if (length > file.Length - position - ChunkHeaderBytes)
            {
                return default;
            }

            ReadOnlySpan<byte> data = file.Slice(position + ChunkHeaderBytes, (int)length);
            if (file[position..].StartsWith("EXIF"u8))
            {
                return data;
            }

            // Chunks are padded to an even length
            position += ChunkHeaderBytes + (int)length + ((int)length & 1);
        }

        return default;
    }

    /// <summary>The extended form of the file: its features, the picture's own chunks, the EXIF chunk. RFC 9649, section 2.7.</summary>
    private static byte[] WithExif(ReadOnlySpan<byte> file, Picture picture, byte[] exif)
    {
        using var whole = new MemoryStream(file.Length + exif.Length + 64);
        whole.Write(file[..HeaderBytes]);
        ReadOnlySpan<byte> chunks = file[HeaderBytes..];
        if (chunks.StartsWith("VP8X"u8))
        {
            // libwebp wrote the extended form already, for the transparency
            byte[] first = chunks[..(ChunkHeaderBytes + 10)].ToArray();
            first[ChunkHeaderBytes] |= ExifFlag;
            whole.Write(first);
            whole.Write(chunks[first.Length..]);
        }
        else
        {
            Span<byte> features = stackalloc byte[10];
            features[0] = (byte)(ExifFlag | (picture.Channels == 4 ? AlphaFlag : 0));
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

    private static PictureException Damaged(string what) => new(PictureFault.Damaged, $"The WebP file is damaged: {what}.");
}
