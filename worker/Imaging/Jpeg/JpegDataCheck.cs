using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Generation.Imaging.Jpeg;

/// <summary>
/// Reads a Huffman-coded file's data through, without making a picture of it: whether it goes to its end, in codes that exist. Skia answers
/// files whose data is cut or changed with what there is of the picture and grey for the rest, as if it were whole. ITU-T T.81, annexes F
/// (sequential) and G (progressive).
/// </summary>
internal sealed class JpegDataCheck
{
    private readonly JpegFrame _frame;
    private readonly (byte[] Counts, byte[] Symbols)?[] _told = new (byte[] Counts, byte[] Symbols)?[8];
    private readonly HuffmanTable?[] _tables = new HuffmanTable?[8];
    private readonly bool[] _seen;

    /// <summary>For each component of a progressive file: which of each block's 64 coefficients are not zero so far.</summary>
    private readonly ulong[]?[] _nonZero;
    private readonly int _unitsAcross;
    private readonly int _unitsDown;
    private readonly int _mostAcross;
    private readonly int _mostDown;
    private int _restartInterval;
    private int _endOfBand;

    private JpegDataCheck(JpegFrame frame)
    {
        _frame = frame;
        _seen = new bool[frame.Components.Count];
        _nonZero = new ulong[]?[frame.Components.Count];
        _mostAcross = frame.Components.Max(c => c.Across);
        _mostDown = frame.Components.Max(c => c.Down);
        _unitsAcross = Parts(frame.Width, 8 * _mostAcross);
        _unitsDown = Parts(frame.Height, 8 * _mostDown);
    }

    /// <exception cref="PictureException">The data ends early, or has codes that do not exist.</exception>
    public static void Run(JpegFile jpeg, ReadOnlySpan<byte> file)
    {
        if (!jpeg.Frame.IsHuffman)
        {
            return;
        }

        var check = new JpegDataCheck(jpeg.Frame);
        for (int i = 0; i < jpeg.Segments.Count; i++)
        {
            JpegSegment segment = jpeg.Segments[i];
            ReadOnlySpan<byte> data = segment.Data(file);
            switch (segment.Marker)
            {
                case JpegSegment.HuffmanTables:
                    check.ReadTables(data);
                    break;
                case JpegSegment.RestartInterval when data.Length >= 2:
                    check._restartInterval = BinaryPrimitives.ReadUInt16BigEndian(data);
                    break;
                case JpegSegment.StartOfScan:
                    int end = i + 1 < jpeg.Segments.Count ? jpeg.Segments[i + 1].Offset - 4 : jpeg.End;
                    check.ReadScan(data, file[(segment.Offset + segment.Length)..end]);
                    break;
            }
        }

        if (!check._seen.All(seen => seen))
        {
            throw JpegCodec.Damaged("one of its colours is missing");
        }
    }

    private void ReadTables(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            int symbols = 0;
            foreach (byte count in data.Length < 17 ? [] : data.Slice(1, 16))
            {
                symbols += count;
            }

            if (data.Length < 17 + symbols || symbols > 256 || (data[0] & 0xEC) != 0)
            {
                throw JpegCodec.Damaged("a Huffman table is broken");
            }

            int table = TableOf(data[0] >> 4, data[0] & 3);
            _told[table] = (data.Slice(1, 16).ToArray(), data.Slice(17, symbols).ToArray());
            _tables[table] = null;
            data = data[(17 + symbols)..];
        }
    }

    private static int TableOf(int kind, int number) => (4 * kind) + number;

    /// <summary>Returns a Huffman table. It is built when a scan needs it, so that none is built in vain.</summary>
    private HuffmanTable Table(int kind, int number)
    {
        int table = TableOf(kind, number & 3);
        return _tables[table] ??= _told[table] is { } told
            ? new HuffmanTable(told.Counts, told.Symbols)
            : throw JpegCodec.Damaged("a scan needs a Huffman table that is not there");
    }

    private void ReadScan(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
    {
        int count = header.Length > 0 ? header[0] : 0;
        if (count is < 1 or > 4 || header.Length < 4 + (2 * count))
        {
            throw JpegCodec.Damaged("the header of a scan is broken");
        }

        var parts = new (int Component, byte Tables)[count];
        for (int i = 0; i < count; i++)
        {
            byte id = header[1 + (2 * i)];
            parts[i] = (Enumerable.Range(0, _seen.Length).FirstOrDefault(c => _frame.Components[c].Id == id, -1), header[2 + (2 * i)]);
            if (parts[i].Component < 0)
            {
                throw JpegCodec.Damaged($"a scan has the colour {id}, which its frame has not");
            }
        }

        ReadOnlySpan<byte> told = header[(1 + (2 * count))..];
        Band band = _frame.IsProgressive ? new Band(told[0], told[1], told[2] >> 4) : new Band(0, 63, 0);
        bool valid = !_frame.IsProgressive || (band.First == 0 ? band.Last == 0 : count == 1 && band.Last <= 63 && band.Last >= band.First);
        if (!valid)
        {
            throw JpegCodec.Damaged("the header of a scan is broken");
        }

        ReadUnits([.. parts.Select(part => PartOf(part.Component, part.Tables, band))], band, new JpegBits(data));
    }

    /// <summary>Finds a scan's component, with the tables that the scan needs.</summary>
    private Part PartOf(int component, byte tables, Band band)
    {
        bool differences = band.First == 0 && !(_frame.IsProgressive && band.Refines);
        bool coefficients = !_frame.IsProgressive || band.First > 0;
        JpegComponent told = _frame.Components[component];
        if (_frame.IsProgressive && coefficients)
        {
            _nonZero[component] ??= new ulong[_unitsAcross * told.Across * _unitsDown * told.Down];
        }

        return new Part(
            component,
            told.Across * told.Down,
            differences ? Table(0, tables >> 4) : null,
            coefficients ? Table(1, tables) : null
        );
    }

    private void ReadUnits(Part[] parts, Band band, JpegBits bits)
    {
        // A scan of one component has its blocks row by row, and none of those that only fill up the last units
        bool alone = parts.Length == 1;
        JpegComponent only = _frame.Components[parts[0].Component];
        int across = alone ? Parts(Parts(_frame.Width * only.Across, _mostAcross), 8) : _unitsAcross;
        int down = alone ? Parts(Parts(_frame.Height * only.Down, _mostDown), 8) : _unitsDown;
        int left = _restartInterval;
        _endOfBand = 0;
        foreach (Part part in parts)
        {
            _seen[part.Component] |= band.First == 0;
        }

        for (int y = 0; y < down; y++)
        {
            for (int x = 0; x < across; x++)
            {
                if (_restartInterval > 0 && left-- == 0)
                {
                    bits.Restart();
                    _endOfBand = 0;
                    left = _restartInterval - 1;
                }

                foreach (Part part in parts)
                {
                    for (int i = alone ? 1 : part.Blocks; i > 0; i--)
                    {
                        // Only scans of one component ask for a block's place
                        ReadBlock(ref bits, part, band, (y * across) + x);
                    }
                }
            }
        }
    }

    private void ReadBlock(ref JpegBits bits, Part part, Band band, int place)
    {
        if (part.Differences is { } differences)
        {
            int size = bits.Symbol(differences);
            bits.Skip(size <= 15 ? size : throw NoSuchCode());
        }
        else if (band.First == 0)
        {
            bits.Skip(1);
        }

        if (part.Coefficients is not { } table)
        {
            return;
        }

        if (!_frame.IsProgressive)
        {
            ReadCoefficients(ref bits, table);
        }
        else if (band.Refines)
        {
            RefineBand(ref bits, table, band, ref _nonZero[part.Component]![place]);
        }
        else
        {
            ReadBand(ref bits, table, band, ref _nonZero[part.Component]![place]);
        }
    }

    private static void ReadCoefficients(ref JpegBits bits, HuffmanTable table)
    {
        for (int k = 1; k < 64; k++)
        {
            int symbol = bits.Symbol(table);
            int size = symbol & 15;
            if (size == 0 && symbol != 0xF0)
            {
                return;
            }

            k += symbol >> 4;
            bits.Skip(size);
        }
    }

    private void ReadBand(ref JpegBits bits, HuffmanTable table, Band band, ref ulong nonZero)
    {
        if (_endOfBand > 0)
        {
            _endOfBand--;
            return;
        }

        for (int k = band.First; k <= band.Last; k++)
        {
            int symbol = bits.Symbol(table);
            int run = symbol >> 4;
            int size = symbol & 15;
            if (size == 0 && run < 15)
            {
                _endOfBand = (1 << run) - 1 + bits.Take(run);
                return;
            }

            k += run;
            bits.Skip(size);
            nonZero |= size > 0 && k < 64 ? 1UL << k : 0;
        }
    }

    /// <summary>
    /// Reads one more bit for each coefficient that is not zero, and the coefficients that become 1 or -1. Section G.1.2.3.
    /// </summary>
    private void RefineBand(ref JpegBits bits, HuffmanTable table, Band band, ref ulong nonZero)
    {
        int k = band.First;
        for (; _endOfBand == 0 && k <= band.Last; k++)
        {
            int symbol = bits.Symbol(table);
            int run = symbol >> 4;
            bool becomes = (symbol & 15) != 0;
            if (becomes)
            {
                bits.Skip((symbol & 15) == 1 ? 1 : throw NoSuchCode());
            }
            else if (run < 15)
            {
                _endOfBand = (1 << run) + bits.Take(run);
                break;
            }

            for (; k <= band.Last; k++)
            {
                if ((nonZero & (1UL << k)) != 0)
                {
                    bits.Skip(1);
                }
                else if (--run < 0)
                {
                    break;
                }
            }

            nonZero |= becomes && k <= band.Last ? 1UL << k : 0;
        }

        if (_endOfBand > 0)
        {
            for (; k <= band.Last; k++)
            {
                bits.Skip((int)(nonZero >> k) & 1);
            }

            _endOfBand--;
        }
    }

    private static PictureException NoSuchCode() => JpegCodec.Damaged("its picture data has a code that does not exist");

    private static int Parts(int whole, int part) => (whole + part - 1) / part;

    /// <summary>A component of a scan.</summary>
    /// <param name="Blocks">How many blocks of the component a unit has where the scan has several components.</param>
    /// <param name="Differences">The table of the first coefficients; null where the scan has no codes for them.</param>
    /// <param name="Coefficients">The table of the other coefficients; null where the scan has none of them.</param>
    private sealed record Part(int Component, int Blocks, HuffmanTable? Differences, HuffmanTable? Coefficients);

    /// <summary>The range of coefficients in a scan of a progressive file.</summary>
    /// <param name="Before">The lowest bit that an earlier scan gave for them; 0 where there was none.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Band(int First, int Last, int Before)
    {
        public bool Refines => Before > 0;
    }
}
