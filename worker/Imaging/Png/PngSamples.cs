using System.Buffers.Binary;
using System.IO.Compression;

namespace Generation.Imaging.Png;

/// <summary>
/// Rewrites a file of 16-bit samples as one of 8 bits that is not interlaced, with each sample rounded to the nearest. PNG specification,
/// third edition, sections 8.1 (Adam7), 9.2 (filters), 11.3.1.1 (tRNS) and 13.12 (sample depth).
/// </summary>
internal sealed class PngSamples
{
    private readonly PngHeader _header;
    private readonly int _width;
    private readonly int _height;
    private readonly int _pixelBytes;
    private readonly int _newPixelBytes;

    /// <summary>The one colour that is transparent, as it is stored, with two bytes per sample; empty where there is none.</summary>
    private readonly byte[] _key;

    /// <param name="key">The data of the tRNS chunk; one that does not fit the file is ignored.</param>
    public PngSamples(PngHeader header, ReadOnlySpan<byte> key)
    {
        _header = header;
        _width = (int)header.Width;
        _height = (int)header.Height;
        _pixelBytes = header.BitsPerPixel / 8;
        // Colour types 4 and 6 have alpha and no key
        _key = header.ColourType is 0 or 2 && key.Length == _pixelBytes ? key.ToArray() : [];
        _newPixelBytes = (_pixelBytes / 2) + (_key.Length > 0 ? 1 : 0);
    }

    /// <summary>The header for the new data, in which a transparent colour has become alpha.</summary>
    public byte[] Header()
    {
        byte[] header = new byte[PngHeader.Bytes];
        BinaryPrimitives.WriteInt32BigEndian(header, _width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), _height);
        header[8] = 8;
        header[9] = (byte)(_header.ColourType | (_key.Length > 0 ? 4 : 0));
        return header;
    }

    /// <summary>Returns the new compressed rows, made from the file's.</summary>
    /// <exception cref="PictureException">The data is damaged or ends early.</exception>
    public ReadOnlySpan<byte> Rewrite(Stream compressed)
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            try
            {
                using var data = new ZLibStream(compressed, CompressionMode.Decompress);
                Rewrite(data, zlib);
            }
            catch (Exception error) when (error is InvalidDataException or IOException)
            {
                throw PngData.Unreadable();
            }
        }

        return packed.GetBuffer().AsSpan(0, (int)packed.Length);
    }

    private void Rewrite(ZLibStream data, ZLibStream to)
    {
        int newRowBytes = 1 + (_width * _newPixelBytes);
        // Interlaced rows come in seven passes; others can go on one by one
        byte[] rows = new byte[checked(newRowBytes * (_header.Interlaced ? _height : 1))];
        foreach ((int x0, int y0, int stepX, int stepY) in _header.Passes)
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
                PngData.CheckFilter(filter);
                data.ReadExactly(row);
                Unfilter(filter, row, above);
                Span<byte> whole = rows.AsSpan(_header.Interlaced ? y * newRowBytes : 0, newRowBytes);
                Round(row, whole[(1 + (x0 * _newPixelBytes))..], stepX * _newPixelBytes);
                if (!_header.Interlaced)
                {
                    to.Write(whole);
                }

                (above, row) = (row, above);
            }
        }

        if (_header.Interlaced)
        {
            to.Write(rows);
        }
    }

    /// <param name="step">The number of bytes from one pixel to the next in <paramref name="to"/>.</param>
    private void Round(ReadOnlySpan<byte> row, Span<byte> to, int step)
    {
        int samples = _pixelBytes / 2;
        for (int from = 0, at = 0; from < row.Length; from += _pixelBytes, at += step)
        {
            ReadOnlySpan<byte> pixel = row.Slice(from, _pixelBytes);
            for (int c = 0; c < samples; c++)
            {
                int sample = (pixel[2 * c] << 8) | pixel[(2 * c) + 1];
                to[at + c] = (byte)(((sample * 255) + 32_767) / 65_535);
            }

            if (_key.Length > 0)
            {
                to[at + samples] = pixel.SequenceEqual(_key) ? (byte)0 : (byte)255;
            }
        }
    }

    private void Unfilter(int filter, byte[] row, byte[] above)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= _pixelBytes ? row[i - _pixelBytes] : 0;
            int corner = i >= _pixelBytes ? above[i - _pixelBytes] : 0;
            row[i] += (byte)(
                filter switch
                {
                    0 => 0,
                    1 => left,
                    2 => above[i],
                    3 => (left + above[i]) / 2,
                    _ => Paeth(left, above[i], corner),
                }
            );
        }
    }

    private static int Paeth(int left, int above, int corner)
    {
        int estimate = left + above - corner;
        int toLeft = Math.Abs(estimate - left);
        int toAbove = Math.Abs(estimate - above);
        int toCorner = Math.Abs(estimate - corner);
        return toLeft <= toAbove && toLeft <= toCorner ? left
            : toAbove <= toCorner ? above
            : corner;
    }
}
