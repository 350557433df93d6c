using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Generation.Imaging.Tests;

/// <summary>Writes PNG files of every colour type, depth and interlacing, and broken ones: independent of the code under test.</summary>
internal sealed class PngBuilder
{
    private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
    [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];

    public required int Width { get; init; }

    public required int Height { get; init; }

    public int ColourType { get; init; }

    public int BitDepth { get; init; } = 8;

    public bool Interlaced { get; init; }

    /// <summary>Samples of shape (height, width, samples per pixel).</summary>
    public required ushort[] Samples { get; init; }

    public byte[]? Palette { get; init; }

    public byte[]? Transparency { get; init; }

    public int SamplesPerPixel =>
        ColourType switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };

    public static byte[] Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static PngBuilder Random(int width, int height, int colourType, int bitDepth, bool interlaced, int seed)
    {
        int perPixel = colourType switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        var random = new Random(seed);
        ushort[] samples = new ushort[width * height * perPixel];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = (ushort)random.Next(1 << bitDepth);
        }

        byte[]? palette = null;
        if (colourType == 3)
        {
            palette = new byte[3 << bitDepth];
            random.NextBytes(palette);
        }

        return new PngBuilder
        {
            Width = width,
            Height = height,
            ColourType = colourType,
            BitDepth = bitDepth,
            Interlaced = interlaced,
            Samples = samples,
            Palette = palette,
        };
    }

    public byte[] Build() => Build(Rows());

    /// <summary>The file with other rows than its own, before they are compressed.</summary>
    public byte[] Build(byte[] rows)
    {
        var chunks = new List<byte[]> { Signature, Header(Width, Height, BitDepth, ColourType, Interlaced) };
        if (Palette is not null)
        {
            chunks.Add(Chunk("PLTE", Palette));
        }

        if (Transparency is not null)
        {
            chunks.Add(Chunk("tRNS", Transparency));
        }

        byte[] data = Compress(rows);
        chunks.Add(Chunk("IDAT", data[..(data.Length / 2)]));
        chunks.Add(Chunk("IDAT", data[(data.Length / 2)..]));
        chunks.Add(Chunk("IEND", []));
        return [.. chunks.SelectMany(c => c)];
    }

    public static byte[] Header(uint width, uint height, int bitDepth, int colourType, bool interlaced)
    {
        byte[] data = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(data, width);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(4), height);
        data[8] = (byte)bitDepth;
        data[9] = (byte)colourType;
        data[12] = interlaced ? (byte)1 : (byte)0;
        return Chunk("IHDR", data);
    }

    public static byte[] Header(int width, int height, int bitDepth, int colourType, bool interlaced) =>
        Header((uint)width, (uint)height, bitDepth, colourType, interlaced);

    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] whole = new byte[data.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(whole, data.Length);
        Encoding.ASCII.GetBytes(type).CopyTo(whole, 4);
        data.CopyTo(whole, 8);
        BinaryPrimitives.WriteUInt32BigEndian(whole.AsSpan(data.Length + 8), Crc(whole.AsSpan(4, data.Length + 4)));
        return whole;
    }

    public static byte[] Compress(byte[] raw)
    {
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal))
        {
            zlib.Write(raw);
        }

        return compressed.ToArray();
    }

    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++)
            {
                crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            }
        }

        return ~crc;
    }

    public byte[] Rows()
    {
        using var raw = new MemoryStream();
        foreach ((int x0, int y0, int stepX, int stepY) in Interlaced ? Adam7 : [(0, 0, 1, 1)])
        {
            if (x0 >= Width)
            {
                continue;
            }

            byte[] above = Array.Empty<byte>();
            for (int y = y0; y < Height; y += stepY)
            {
                using var row = new MemoryStream();
                int bits = 0;
                int held = 0;
                for (int x = x0; x < Width; x += stepX)
                {
                    for (int c = 0; c < SamplesPerPixel; c++)
                    {
                        ushort sample = Samples[(((y * Width) + x) * SamplesPerPixel) + c];
                        if (BitDepth == 16)
                        {
                            row.WriteByte((byte)(sample >> 8));
                            row.WriteByte((byte)sample);
                            continue;
                        }

                        held = (held << BitDepth) | sample;
                        bits += BitDepth;
                        if (bits == 8)
                        {
                            row.WriteByte((byte)held);
                            (bits, held) = (0, 0);
                        }
                    }
                }

                if (bits > 0)
                {
                    row.WriteByte((byte)(held << (8 - bits)));
                }

                byte[] plain = row.ToArray();
                raw.Write(Filter(y % 5, plain, above));
                above = plain;
            }
        }

        return raw.ToArray();
    }

    /// <summary>The row with its filter byte in front; every row takes another filter.</summary>
    private byte[] Filter(int filter, byte[] row, byte[] above)
    {
        int pixel = Math.Max(1, BitDepth * SamplesPerPixel / 8);
        byte[] filtered = new byte[row.Length + 1];
        filtered[0] = (byte)filter;
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < pixel ? 0 : row[i - pixel];
            int up = above.Length == 0 ? 0 : above[i];
            int corner = above.Length == 0 || i < pixel ? 0 : above[i - pixel];
            int[] candidates = [left, up, corner];
            int guess = filter switch
            {
                1 => left,
                2 => up,
                3 => (left + up) >> 1,
                4 => candidates.MinBy(c => Math.Abs(left + up - corner - c)),
                _ => 0,
            };
            filtered[i + 1] = (byte)(row[i] - guess);
        }

        return filtered;
    }
}
