using System.Buffers.Binary;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// SentencePiece's precompiled character map, which gives for each of its strings the normalised form. It is a double-array trie (Yata et
/// al., 2007; in the layout of darts-clone) preceded by its length in bytes, and then the replacements, each ended by a zero.
/// </summary>
internal sealed class CharsMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <summary>Reads the map.</summary>
    /// <exception cref="TokenizerException">The lengths do not agree.</exception>
    public CharsMap(ReadOnlySpan<byte> data)
    {
        uint length = data.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(data) : 0;
        if (length == 0 || length % 4 != 0 || length > data.Length - 4)
        {
            throw new TokenizerException($"The character map says that its trie has {length} bytes, but has {data.Length} bytes in all.");
        }

        _units = new uint[length / 4];
        for (int i = 0; i < _units.Length; i++)
        {
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(data[(4 + (i * 4))..]);
        }

        _replacements = data[(4 + (int)length)..].ToArray();
    }

    /// <summary>
    /// The replacement of the longest, or else the shortest, string of the map that <paramref name="text"/> (UTF-8) begins with.
    /// </summary>
    /// <param name="text">The text in UTF-8.</param>
    /// <param name="longest">Whether the longest or the shortest of several strings that fit is taken.</param>
    /// <param name="length">The length of that string in bytes; 0 if there is none.</param>
    public ReadOnlySpan<byte> Find(ReadOnlySpan<byte> text, bool longest, out int length)
    {
        length = 0;
        int found = -1;
        uint node = Offset(_units[0]);
        for (int i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            if (node >= _units.Length || Label(_units[node]) != text[i])
            {
                break;
            }

            uint unit = _units[node];
            node ^= Offset(unit);
            if (HasLeaf(unit) && node < _units.Length)
            {
                found = (int)(_units[node] & 0x7FFF_FFFF);
                length = i + 1;
                if (!longest)
                {
                    break;
                }
            }
        }

        if (found < 0 || found >= _replacements.Length)
        {
            length = 0;
            return [];
        }

        ReadOnlySpan<byte> replacement = _replacements.AsSpan(found);
        int end = replacement.IndexOf((byte)0);
        return end < 0 ? replacement : replacement[..end];
    }

    /// <summary>The replacement of the shortest string of the map that <paramref name="text"/> begins with, or null.</summary>
    public string? FindShortest(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[16];
        int written = Encoding.UTF8.GetBytes(text, utf8);
        ReadOnlySpan<byte> replacement = Find(utf8[..written], longest: false, out int length);
        return length == 0 ? null : Encoding.UTF8.GetString(replacement);
    }

    private static bool HasLeaf(uint unit) => (unit & 0x100) != 0;

    private static uint Label(uint unit) => unit & 0x8000_00FF;

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}
