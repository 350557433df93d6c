using System.Buffers.Binary;

namespace Generation.Imaging.Png;

/// <summary>The content of a PNG file's IHDR chunk. PNG specification, third edition, section 11.2.1.</summary>
internal readonly record struct PngHeader(long Width, long Height, int BitDepth, int ColourType, bool Interlaced)
{
    public const int Bytes = 13;

    private static readonly (int X, int Y, int StepX, int StepY)[] s_adam7 =
    [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];

    private static readonly (int X, int Y, int StepX, int StepY)[] s_whole = [(0, 0, 1, 1)];

    /// <summary>
    /// The passes in which the rows stand: the first pixel of each and the distances of its pixels. Section 8.1 (Adam7); one pass where the
    /// picture is not interlaced.
    /// </summary>
    public IReadOnlyList<(int X, int Y, int StepX, int StepY)> Passes => Interlaced ? s_adam7 : s_whole;

    public bool IsPalette => ColourType == 3;

    /// <summary>The size of the rows before compression in bytes, without the additional filter bytes of interlaced passes.</summary>
    public long RawBytes => Height * (1 + RowBytes(Width));

    /// <summary>The size of a row of so many pixels in bytes, without the byte that names its filter.</summary>
    public long RowBytes(long pixels) => ((pixels * BitsPerPixel) + 7) / 8;

    public int BitsPerPixel => BitDepth * SamplesPerPixel;

    private int SamplesPerPixel =>
        ColourType switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };

    public static PngHeader Read(ReadOnlySpan<byte> data)
    {
        if (data.Length != Bytes)
        {
            throw PngChunk.Damaged($"its header has {data.Length} bytes instead of {Bytes}");
        }

        var header = new PngHeader(
            BinaryPrimitives.ReadUInt32BigEndian(data),
            BinaryPrimitives.ReadUInt32BigEndian(data[4..]),
            data[8],
            data[9],
            data[12] == 1
        );
        bool known = (header.ColourType, header.BitDepth) is (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) or (2 or 4 or 6, 8 or 16);
        if (!known)
        {
            throw PngChunk.Damaged($"its header has colour type {header.ColourType} with {header.BitDepth} bits, which PNG does not have");
        }

        if (data[10] != 0 || data[11] != 0 || data[12] > 1)
        {
            throw PngChunk.Damaged("its header names a compression, filter or interlacing that PNG does not have");
        }

        return header;
    }
}
