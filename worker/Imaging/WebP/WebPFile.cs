using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Generation.Imaging.Exif;

namespace Generation.Imaging.WebP;

/// <summary>
/// The chunks of a WebP file, with its length and the size checked against limits; bytes after the length in its header are ignored. RFC
/// 9649, sections 2.3 to 2.7. Allocates no memory.
/// </summary>
internal sealed class WebPFile
{
    public const int HeaderBytes = 12;
    public const int ChunkHeaderBytes = 8;

    private WebPFile(int end, int width, int height)
    {
        End = end;
        Width = width;
        Height = height;
    }

    /// <summary>The position of the file's end according to its header.</summary>
    public int End { get; }

    /// <summary>The width in pixels; for an animation that of its canvas.</summary>
    public int Width { get; }

    public int Height { get; }

    /// <summary>The orientation in the file's EXIF block.</summary>
    public Orientation Orientation { get; private init; }

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="PictureException">The file violates a rule of the format, or exceeds a limit.</exception>
    public static WebPFile Read(ReadOnlySpan<byte> file, PictureLimits limits)
    {
        limits.CheckBytes(file.Length);
        if (!WebPCodec.IsWebP(file))
        {
            throw new PictureException(PictureFault.NotAPicture, "The file is not a WebP picture.");
        }

        long end = 8L + BinaryPrimitives.ReadUInt32LittleEndian(file[4..]);
        if (end > file.Length)
        {
            throw WebPCodec.Damaged($"its header says {end} bytes, but the file ends after {file.Length}");
        }

        file = file[..(int)end];
        (int width, int height) = Size(file);
        limits.CheckSize(width, height);
        bool hasPicture = false;
        for (int position = HeaderBytes; Next(file, ref position) is { } chunk; )
        {
            ReadOnlySpan<byte> name = chunk.Name(file);
            hasPicture |= name.SequenceEqual("VP8 "u8) || name.SequenceEqual("VP8L"u8) || name.SequenceEqual("ANMF"u8);
        }

        return hasPicture
            ? new WebPFile((int)end, width, height) { Orientation = ExifBlock.ReadOrientation(Find(file, "EXIF"u8)) }
            : throw WebPCodec.Damaged("it has no picture data");
    }

    /// <summary>The data of the first chunk with a name; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> file, ReadOnlySpan<byte> wanted)
    {
        for (int position = HeaderBytes; Next(file, ref position) is { } chunk; )
        {
            if (chunk.Name(file).SequenceEqual(wanted))
            {
                return chunk.Data(file);
            }
        }

        return default;
    }

    /// <summary>Reads the chunk at a position, and moves the position behind it; null at the file's end.</summary>
    private static Chunk? Next(ReadOnlySpan<byte> file, ref int position)
    {
        if (file.Length - position < ChunkHeaderBytes)
        {
            return null;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[(position + 4)..]);
        int left = file.Length - position - ChunkHeaderBytes;
        if (length > left)
        {
            throw WebPCodec.Damaged($"a chunk at byte {position} says {length} bytes, but the file ends after {left}");
        }

        var chunk = new Chunk(position + ChunkHeaderBytes, (int)length);
        // Chunks are padded to an even length
        position = chunk.Offset + chunk.Length + (chunk.Length & 1);
        return chunk;
    }

    private static (int Width, int Height) Size(ReadOnlySpan<byte> file)
    {
        int position = HeaderBytes;
        Chunk first = Next(file, ref position) ?? throw WebPCodec.Damaged("it ends within its header");
        ReadOnlySpan<byte> name = first.Name(file);
        ReadOnlySpan<byte> data = first.Data(file);
        if (name.SequenceEqual("VP8X"u8) && data.Length >= 10)
        {
            return (1 + Read24(data[4..]), 1 + Read24(data[7..]));
        }

        if (name.SequenceEqual("VP8L"u8) && data.Length >= 5 && data[0] == 0x2F)
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return (1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));
        }

        return name.SequenceEqual("VP8 "u8) && data.Length >= 10 && data[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
            ? (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF)
            : throw WebPCodec.Damaged("its header cannot be read");
    }

    private static int Read24(ReadOnlySpan<byte> from) => from[0] | (from[1] << 8) | (from[2] << 16);

    /// <summary>Where a chunk's data is in the file; its name is before it.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Chunk(int Offset, int Length)
    {
        public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> file) => file.Slice(Offset - ChunkHeaderBytes, 4);

        public ReadOnlySpan<byte> Data(ReadOnlySpan<byte> file) => file.Slice(Offset, Length);
    }
}
