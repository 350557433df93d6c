using System.Runtime.CompilerServices;

namespace Generation.Imaging.Jpeg;

/// <summary>A Huffman table of a JPEG file: what the next 16 bits begin with. ITU-T T.81, annexes C and F.2.2.3.</summary>
internal sealed class HuffmanTable
{
    private const int MaxBits = 16;

    /// <summary>Codes of so many bits, which are nearly all that are met, are looked up at once.</summary>
    private const int ShortBits = 9;

    private readonly ushort[] _short = new ushort[1 << ShortBits];
    private readonly byte[] _symbols;

    /// <summary>
    /// For each length, what the first 16 bits that begin with a longer code are, and where its symbols would begin were its first code 0.
    /// </summary>
    private readonly int[] _beyond = new int[MaxBits + 1];
    private readonly int[] _offsets = new int[MaxBits + 1];

    /// <param name="counts">How many codes there are of 1 to 16 bits.</param>
    /// <param name="symbols">What they stand for, in the order of the codes.</param>
    public HuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int next = 0;
        int at = 0;
        for (int bits = 1; bits <= MaxBits; bits++)
        {
            int width = 1 << (MaxBits - bits);
            _offsets[bits] = at - (next / width);
            for (int i = 0; i < counts[bits - 1]; i++, at++, next += width)
            {
                if (next + width > 1 << MaxBits)
                {
                    throw JpegCodec.Damaged("a Huffman table has more codes than bits for them");
                }

                if (bits <= ShortBits)
                {
                    _short.AsSpan(next >> (MaxBits - ShortBits), width >> (MaxBits - ShortBits)).Fill((ushort)((bits << 8) | _symbols[at]));
                }
            }

            _beyond[bits] = next;
        }
    }

    /// <summary>
    /// The code at the front of 16 bits: its length in bits in the upper byte, what it stands for in the lower; 0 where there is none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Look(int bits) => _short[bits >> (MaxBits - ShortBits)] is not 0 and var code ? code : LookFurther(bits);

    private int LookFurther(int bits)
    {
        for (int length = ShortBits + 1; length <= MaxBits; length++)
        {
            if (bits < _beyond[length])
            {
                return (length << 8) | _symbols[_offsets[length] + (bits >> (MaxBits - length))];
            }
        }

        return 0;
    }
}
