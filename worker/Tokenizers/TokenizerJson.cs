using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Generation.Tokenizers;

/// <summary>
/// The parts of Hugging Face's tokenizer.json that unigram tokenizers consist of, each as a function. A part that is not known here is an
/// error, because ignoring it would change ids.
/// </summary>
internal static class TokenizerJson
{
    private static readonly TimeSpan RegexTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The normaliser, from text to text.</summary>
    public static Func<string, string> Normalizer(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.Null)
        {
            return text => text;
        }

        string type = Type(part, "normalizer");
        switch (type)
        {
            case "Sequence":
                Func<string, string>[] steps = [.. part.GetProperty("normalizers").EnumerateArray().Select(Normalizer)];
                return text => steps.Aggregate(text, (current, step) => step(current));
            case "Precompiled":
                var map = new CharsMap(part.GetProperty("precompiled_charsmap").GetBytesFromBase64());
                return text => ApplyCharsMap(map, text);
            case "Strip":
                bool left = part.GetProperty("strip_left").GetBoolean();
                bool right = part.GetProperty("strip_right").GetBoolean();
                return text =>
                {
                    string stripped = left ? text.TrimStart() : text;
                    return right ? stripped.TrimEnd() : stripped;
                };
            case "Replace":
                string content = part.GetProperty("content").GetString()!;
                JsonElement pattern = part.GetProperty("pattern");
                if (pattern.TryGetProperty("String", out JsonElement literal))
                {
                    return text => text.Replace(literal.GetString()!, content, StringComparison.Ordinal);
                }

                // Without backtracking the time is linear in the text, whatever the pattern
                var regex = new Regex(
                    pattern.GetProperty("Regex").GetString()!,
                    RegexOptions.NonBacktracking | RegexOptions.CultureInvariant,
                    RegexTimeout
                );
                return text => regex.Replace(text, _ => content);
            case "Prepend":
                string prefix = part.GetProperty("prepend").GetString()!;
                return text => text.Length == 0 ? text : prefix + text;
            case "Lowercase":
                return ClipPreTokenizer.Lower;
            case "NFC":
                return Nfc.Normalize;
            default:
                throw new TokenizerException($"The normalizer '{type}' is not known.");
        }
    }

    /// <summary>The pre-tokenizer, from texts to the parts that are each encoded by themselves.</summary>
    public static Func<IEnumerable<string>, IEnumerable<string>> PreTokenizer(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.Null)
        {
            return parts => parts;
        }

        string type = Type(part, "pre_tokenizer");
        switch (type)
        {
            case "Sequence":
                Func<IEnumerable<string>, IEnumerable<string>>[] steps =
                [
                    .. part.GetProperty("pretokenizers").EnumerateArray().Select(PreTokenizer),
                ];
                return parts => steps.Aggregate(parts, (current, step) => step(current));
            case "WhitespaceSplit":
                return parts => parts.SelectMany(text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            case "Metaspace":
                return Metaspace(part);
            default:
                throw new TokenizerException($"The pre_tokenizer '{type}' is not known.");
        }
    }

    /// <summary>The ids that the post-processor puts before and after a single text.</summary>
    public static (int[] Before, int[] After) PostProcessor(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.Null)
        {
            return ([], []);
        }

        string type = Type(part, "post_processor");
        if (type != "TemplateProcessing")
        {
            throw new TokenizerException($"The post_processor '{type}' is not known.");
        }

        var before = new List<int>();
        var after = new List<int>();
        List<int> current = before;
        foreach (JsonElement item in part.GetProperty("single").EnumerateArray())
        {
            if (item.TryGetProperty("SpecialToken", out JsonElement token))
            {
                JsonElement special = part.GetProperty("special_tokens").GetProperty(token.GetProperty("id").GetString()!);
                current.AddRange(special.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
            }
            else
            {
                current = after;
            }
        }

        return ([.. before], [.. after]);
    }

    private static Func<IEnumerable<string>, IEnumerable<string>> Metaspace(JsonElement part)
    {
        string replacement = part.TryGetProperty("replacement", out JsonElement given) ? given.GetString()! : "\u2581";
        // Older files say add_prefix_space, newer ones prepend_scheme
        string scheme =
            part.TryGetProperty("prepend_scheme", out JsonElement named) && named.ValueKind == JsonValueKind.String ? named.GetString()!
            : part.TryGetProperty("add_prefix_space", out JsonElement add) && add.ValueKind == JsonValueKind.False ? "never"
            : "always";
        bool split = !part.TryGetProperty("split", out JsonElement splits) || splits.ValueKind != JsonValueKind.False;
        return parts =>
            parts.SelectMany(
                (text, index) =>
                {
                    string marked = text.Replace(" ", replacement, StringComparison.Ordinal);
                    bool prepend = scheme == "always" || (scheme == "first" && index == 0);
                    if (prepend && marked.Length > 0 && !marked.StartsWith(replacement, StringComparison.Ordinal))
                    {
                        marked = replacement + marked;
                    }

                    return split ? SplitBefore(marked, replacement) : [marked];
                }
            );
    }

    private static IEnumerable<string> SplitBefore(string text, string mark)
    {
        int start = 0;
        while (start < text.Length)
        {
            int end = start + 1 < text.Length ? text.IndexOf(mark, start + 1, StringComparison.Ordinal) : -1;
            end = end < 0 ? text.Length : end;
            yield return text[start..end];
            start = end;
        }
    }

    /// <summary>
    /// Replaces text by the character map as the reference implementation does: a grapheme of fewer than 6 bytes is replaced as a whole by
    /// the replacement of its shortest mapped prefix, others character by character.
    /// </summary>
    private static string ApplyCharsMap(CharsMap map, string text)
    {
        var result = new StringBuilder(text.Length);
        ReadOnlySpan<char> rest = text;
        Span<char> utf16 = stackalloc char[2];
        while (!rest.IsEmpty)
        {
            int length = StringInfo.GetNextTextElementLength(rest);
            ReadOnlySpan<char> grapheme = rest[..length];
            rest = rest[length..];
            if (length < 6 && Encoding.UTF8.GetByteCount(grapheme) < 6 && map.FindShortest(grapheme) is { } whole)
            {
                result.Append(whole);
                continue;
            }

            foreach (Rune rune in grapheme.EnumerateRunes())
            {
                ReadOnlySpan<char> character = utf16[..rune.EncodeToUtf16(utf16)];
                if (map.FindShortest(character) is { } replaced)
                {
                    result.Append(replaced);
                }
                else
                {
                    result.Append(character);
                }
            }
        }

        return result.ToString();
    }

    private static string Type(JsonElement part, string what) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out JsonElement type) && type.GetString() is { } name
            ? name
            : throw new TokenizerException($"The {what} has no type.");
}
