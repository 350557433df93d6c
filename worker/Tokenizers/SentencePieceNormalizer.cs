using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// Normalises a text as the SentencePiece library does (its normalizer.cc): strings of the character map are replaced, the longest first,
/// runs of white space become one space, none remains at the ends, one is put in front, and all are written as U+2581.
/// </summary>
internal sealed class SentencePieceNormalizer(SentencePieceFile model)
{
    public const char Space = '\u2581';

    private readonly byte[][] _userDefined =
    [
        .. model
            .Pieces.Where(piece => piece.Kind == PieceKind.UserDefined)
            .Select(piece => Encoding.UTF8.GetBytes(piece.Text))
            .OrderByDescending(text => text.Length),
    ];

    public string Normalize(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        ReadOnlySpan<byte> rest = utf8;
        var result = new List<byte>(utf8.Length + 8);
        bool afterSpace = model.RemoveExtraWhiteSpace;
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<byte> part = Prefix(rest, out int length);
            rest = rest[length..];
            while (afterSpace && part.Length > 0 && part[0] == ' ')
            {
                part = part[1..];
            }

            if (part.Length > 0)
            {
                result.AddRange(part);
                afterSpace = model.RemoveExtraWhiteSpace && part[^1] == ' ';
            }
        }

        string normalized = Encoding.UTF8.GetString([.. result]);
        if (model.EscapeWhiteSpace)
        {
            normalized = normalized.Replace(' ', Space);
        }

        char space = model.EscapeWhiteSpace ? Space : ' ';
        if (model.RemoveExtraWhiteSpace)
        {
            normalized = normalized.TrimEnd(space);
        }

        if (!model.AddDummyPrefix || normalized.Length == 0)
        {
            return normalized;
        }

        return model.WhiteSpaceIsSuffix ? normalized + space : space + normalized;
    }

    private ReadOnlySpan<byte> Prefix(ReadOnlySpan<byte> text, out int length)
    {
        foreach (byte[] symbol in _userDefined)
        {
            if (text.StartsWith(symbol))
            {
                length = symbol.Length;
                return text[..length];
            }
        }

        length = 0;
        ReadOnlySpan<byte> replacement = model.CharsMap is null ? [] : model.CharsMap.Find(text, longest: true, out length);
        if (length > 0)
        {
            return replacement;
        }

        Rune.DecodeFromUtf8(text, out _, out length);
        return text[..length];
    }
}
