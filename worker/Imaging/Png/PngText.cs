using System.Text;

namespace Generation.Imaging.Png;

/// <summary>
/// A text in a PNG file: tEXt where Latin-1 has all its characters, iTXt (UTF-8) otherwise, as Pillow writes them and image tools read
/// them. PNG specification, third edition, section 11.3.3.
/// </summary>
public sealed record PngText
{
    /// <summary>The keyword under which image tools look for generation parameters.</summary>
    public const string Parameters = "parameters";

    private const int MaxKeyword = 79;

    /// <summary>Makes a text. Zeros are removed from it and its line ends become line feeds, as the format requires.</summary>
    /// <exception cref="ArgumentException">The keyword is not 1 to 79 printable Latin-1 characters.</exception>
    public PngText(string keyword, string text)
    {
        bool valid =
            keyword is { Length: >= 1 and <= MaxKeyword }
            && keyword.All(c => c is (>= ' ' and <= '~') or (>= '\u00A1' and <= '\u00FF'))
            && keyword.Trim(' ').Length == keyword.Length;
        if (!valid)
        {
            throw new ArgumentException(
                $"A keyword has 1 to {MaxKeyword} printable Latin-1 characters; '{keyword}' has not.",
                nameof(keyword)
            );
        }

        Keyword = keyword;
        Text = text.Replace("\0", "", StringComparison.Ordinal).ReplaceLineEndings("\n");
    }

    public string Keyword { get; }

    public string Text { get; }

    /// <summary>Reads the texts of a file that are not compressed, in their order. Chunks that violate their rules are ignored.</summary>
    /// <exception cref="PictureException">The file is not a PNG picture, or is damaged.</exception>
    public static IReadOnlyList<PngText> Read(ReadOnlySpan<byte> file, PictureLimits? limits = null)
    {
        var texts = new List<PngText>();
        foreach (PngChunk chunk in PngFile.Read(file, limits ?? PictureLimits.Default).Chunks)
        {
            PngText? text = chunk.Type switch
            {
                "tEXt" => ReadLatin1(chunk.Data(file)),
                "iTXt" => ReadUtf8(chunk.Data(file)),
                _ => null,
            };
            if (text is not null)
            {
                texts.Add(text);
            }
        }

        return texts;
    }

    internal void Write(Stream to)
    {
        if (Text.All(c => c is '\n' or (>= ' ' and <= '~') or (>= '\u00A0' and <= '\u00FF')))
        {
            PngChunk.Write(to, "tEXt"u8, [.. Encoding.Latin1.GetBytes(Keyword), 0, .. Encoding.Latin1.GetBytes(Text)]);
        }
        else
        {
            // keyword, 0, not compressed, method 0, no language, no translated keyword
            PngChunk.Write(to, "iTXt"u8, [.. Encoding.Latin1.GetBytes(Keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(Text)]);
        }
    }

    private static PngText? ReadLatin1(ReadOnlySpan<byte> data)
    {
        int end = data.IndexOf((byte)0);
        return end < 0 ? null : Make(data[..end], Encoding.Latin1.GetString(data[(end + 1)..]));
    }

    private static PngText? ReadUtf8(ReadOnlySpan<byte> data)
    {
        int end = data.IndexOf((byte)0);
        if (end < 0 || data.Length < end + 5 || data[end + 1] != 0)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = data[(end + 3)..];
        int language = rest.IndexOf((byte)0);
        int translated = language < 0 ? -1 : rest[(language + 1)..].IndexOf((byte)0);
        return translated < 0 ? null : Make(data[..end], Encoding.UTF8.GetString(rest[(language + translated + 2)..]));
    }

    private static PngText? Make(ReadOnlySpan<byte> keyword, string text)
    {
        try
        {
            return new PngText(Encoding.Latin1.GetString(keyword), text);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
