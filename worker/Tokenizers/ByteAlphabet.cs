using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// GPT-2's byte-level alphabet, in which each byte has a printable character that stands for it in vocabularies. Printable Latin-1 bytes
/// stand for themselves, the other 68 are the characters from U+0100 on. Radford et al., 2019, encoder.py (bytes_to_unicode).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Create();
    private static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(b => Characters[b], b => (byte)b);

    public static char Character(byte value) => Characters[value];

    /// <summary>The text that such characters stand for. Bytes that are not valid UTF-8 become U+FFFD.</summary>
    public static string Decode(string characters)
    {
        var bytes = new List<byte>(characters.Length);
        foreach (char c in characters)
        {
            if (Bytes.TryGetValue(c, out byte value))
            {
                bytes.Add(value);
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes([c]));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The characters in the order in which vocabularies number them: printable bytes first.</summary>
    public static IEnumerable<char> InVocabularyOrder() => Characters.Where(c => c < 256).Concat(Characters.Where(c => c >= 256));

    private static char[] Create()
    {
        char[] characters = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            characters[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        }

        return characters;
    }
}
