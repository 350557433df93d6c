using System.IO.Compression;

namespace Generation.Imaging.Png;

/// <summary>
/// Rewrites an interlaced file of 16-bit samples as one that is not interlaced. libpng's simplified interface mixes up the
/// samples of such files, and in some versions writes beyond its buffer (CVE-2025-65018), so it never sees one.
/// PNG specification, third edition, sections 8.1 (Adam7) and 9.2 (filters).
/// </summary>
internal sealed class PngDeinterlacer(PngHeader header)
{
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private readonly int _width = (int)header.Width;
    private readonly int _height = (int)header.Height;
    private readonly int _pixelBytes = header.BitsPerPixel / 8;

    /// <summary>Whether a file with this header must be rewritten before libpng reads it.</summary>
    public static bool IsNeeded(PngHeader header) => header is { Interlaced: true, BitDepth: 16 };

    /// <summary>The compressed rows of the whole picture, from the compressed rows of the seven passes.</summary>
    /// <exception cref="PictureException">The data is damaged or ends early.</exception>
    public byte[] Rewrite(Stream compressed)
    {
        int rowBytes = 1 + (_width * _pixelBytes);
        byte[] rows = new byte[checked(rowBytes * _height)];
        try
        {
            using var data = new ZLibStream(compressed, CompressionMode.Decompress);
            foreach ((int x0, int y0, int stepX, int stepY) in Passes)
            {
                int columns = (_width - x0 + stepX - 1) / stepX;
                if (columns <= 0)
                {
                    continue;
                }

                byte[] above = new byte[columns * _pixelBytes];
                byte[] row = new byte[columns * _pixelBytes];
                for (int y = y0; y < _height; y += stepY)
                {
                    int filter = data.ReadByte();
                    data.ReadExactly(row);
                    Unfilter(filter, row, above);
                    for (int i = 0; i < columns; i++)
                    {
                        int to = (y * rowBytes) + 1 + ((x0 + (i * stepX)) * _pixelBytes);
                        row.AsSpan(i * _pixelBytes, _pixelBytes).CopyTo(rows.AsSpan(to));
                    }

                    (above, row) = (row, above);
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw PngChunk.Damaged("its picture data cannot be unpacked or ends early");
        }

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest))
        {
            zlib.Write(rows);
        }

        return packed.ToArray();
    }

    private void Unfilter(int filter, byte[] row, byte[] above)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= _pixelBytes ? row[i - _pixelBytes] : 0;
            int corner = i >= _pixelBytes ? above[i - _pixelBytes] : 0;
            row[i] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => above[i],
                3 => (left + above[i]) / 2,
                4 => Paeth(left, above[i], corner),
                _ => throw PngChunk.Damaged($"a row has the filter {filter}, which PNG does not have"),
            });
        }
    }

    private static int Paeth(int left, int above, int corner)
    {
        int estimate = left + above - corner;
        int toLeft = Math.Abs(estimate - left);
        int toAbove = Math.Abs(estimate - above);
        int toCorner = Math.Abs(estimate - corner);
        return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
    }
}
