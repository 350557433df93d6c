using System.Runtime.CompilerServices;

namespace Generation.Imaging.Jpeg;

/// <summary>A Huffman table of a JPEG file, which finds the code that 16 bits begin with. ITU-T T.81, annexes C and F.2.2.3.</summary>
internal sealed class HuffmanTable
{
    private const int MaxBits = 16;

    /// <summary>
    /// The number of bits of the longest codes that are looked up in one step; nearly all codes that occur are that short.
    /// </summary>
    private const int ShortBits = 9;

    private readonly ushort[] _short = new ushort[1 << ShortBits];
    private readonly byte[] _symbols;

    /// <summary>
    /// For each length the first 16 bits that begin with a longer code, and the index at which its symbols would begin if its first code
    /// were 0.
    /// </summary>
    private readonly int[] _beyond = new int[MaxBits + 1];
    private readonly int[] _offsets = new int[MaxBits + 1];

    /// <param name="counts">The number of codes of each length from 1 to 16 bits.</param>
    /// <param name="symbols">The symbols, in the order of the codes.</param>
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
    /// Finds the code that 16 bits begin with: its length in bits in the upper byte, its symbol in the lower; 0 where there is no such
    /// code.
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
