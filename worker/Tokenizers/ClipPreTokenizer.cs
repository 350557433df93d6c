using System.Globalization;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// How CLIP normalises a text and splits it into words before they are encoded. Every step is linear in the length of the text.
/// </summary>
internal static class ClipPreTokenizer
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>Replaces each run of white space by one space.</summary>
    public static string CollapseWhiteSpace(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inSpace = false;
        foreach (char c in text)
        {
            bool space = char.IsWhiteSpace(c);
            if (!space)
            {
                result.Append(c);
            }
            else if (!inSpace)
            {
                result.Append(' ');
            }

            inSpace = space;
        }

        return result.ToString();
    }

    /// <summary>
    /// Converts every code point to lower case by itself, as Rust does it: the only one that becomes two is the dotted capital I, and a
    /// sigma at a word's end is no exception.
    /// </summary>
    public static string Lower(string text)
    {
        var result = new StringBuilder(text.Length);
        Span<char> utf16 = stackalloc char[2];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value == 0x130)
            {
                result.Append("i\u0307");
            }
            else
            {
                result.Append(utf16[..Rune.ToLowerInvariant(rune).EncodeToUtf16(utf16)]);
            }
        }

        return result.ToString();
    }

    /// <summary>
    /// Returns the next word from <paramref name="at"/> on, and moves that behind it; empty at the end. The expression is
    /// <c>'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+</c>.
    /// </summary>
    public static ReadOnlySpan<char> Next(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        if (at == text.Length)
        {
            return [];
        }

        ReadOnlySpan<char> rest = text.AsSpan(at);
        if (rest[0] == '\'')
        {
            foreach (string contraction in Contractions)
            {
                if (rest.StartsWith(contraction, StringComparison.Ordinal))
                {
                    at += contraction.Length;
                    return rest[..contraction.Length];
                }
            }
        }

        Kind kind = KindOf(rest, out int length);
        while (kind != Kind.Number && length < rest.Length && KindOf(rest[length..], out int more) == kind)
        {
            length += more;
        }

        at += length;
        return rest[..length];
    }

    private static Kind KindOf(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out Rune rune, out length);
        if (Rune.IsWhiteSpace(rune))
        {
            return Kind.Space;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }

    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }
}
