namespace Generation.Imaging.Jpeg;

/// <summary>A Huffman table of a JPEG file: what the next 16 bits begin with. ITU-T T.81, annexes C and F.2.2.3.</summary>
internal sealed class HuffmanTable
{
    private const int MaxBits = 16;

    private const int ShortBits = 9;

    private readonly ushort[] _codes = new ushort[1 << MaxBits];

    /// <summary>The codes of up to 9 bits, which are nearly all that are met, where a processor's first cache holds them.</summary>
    private readonly ushort[] _short = new ushort[1 << ShortBits];

    /// <param name="counts">How many codes there are of 1 to 16 bits.</param>
    /// <param name="symbols">What they stand for, in the order of the codes.</param>
    public HuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        int next = 0;
        int at = 0;
        for (int bits = 1; bits <= MaxBits; bits++)
        {
            int width = 1 << (MaxBits - bits);
            for (int i = 0; i < counts[bits - 1]; i++, next += width)
            {
                if (next + width > _codes.Length)
                {
                    throw JpegCodec.Damaged("a Huffman table has more codes than bits for them");
                }

                _codes.AsSpan(next, width).Fill((ushort)((bits << 8) | symbols[at++]));
            }
        }

        for (int i = 0; i < _short.Length; i++)
        {
            ushort code = _codes[i << (MaxBits - ShortBits)];
            _short[i] = code >> 8 <= ShortBits ? code : (ushort)0;
        }
    }

    /// <summary>The code at the front of 16 bits: its length in bits in the upper byte, what it stands for in the lower; 0 where there is none.</summary>
    public int Look(uint bits) => _short[bits >> (MaxBits - ShortBits)] is not 0 and var code ? code : _codes[bits];
}
