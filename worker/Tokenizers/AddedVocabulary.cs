using System.Text;

namespace Generation.Tokenizers;

/// <summary>A part of a text: a token that was found in it, or text between such tokens.</summary>
/// <param name="Text">The text; empty for a token.</param>
/// <param name="TokenId">The token's id, or null for text.</param>
internal readonly record struct TextPart(string Text, int? TokenId);

/// <summary>
/// The tokens beyond a vocabulary, and how they are found in a text: at each position the longest that fits, first those that are looked
/// for in the text as given, then, in what is left, those of the normalised text. This is the order of Hugging Face's tokenizers.
/// </summary>
internal sealed class AddedVocabulary
{
    private readonly List<(AddedToken Token, int Id)> _tokens;
    private readonly Func<string, string> _normalize;
    private readonly Matcher _raw;
    private readonly Matcher _normalized;

    public AddedVocabulary(IEnumerable<(AddedToken Token, int Id)> tokens, Func<string, string> normalize)
    {
        _tokens = [.. tokens.Where(entry => entry.Token.Content.Length > 0)];
        _normalize = normalize;
        _raw = new Matcher(_tokens.Where(entry => !entry.Token.Normalized));
        _normalized = new Matcher(
            _tokens
                .Where(entry => entry.Token.Normalized)
                .Select(entry => (entry.Token with { Content = normalize(entry.Token.Content) }, entry.Id))
        );
    }

    public IReadOnlyList<(AddedToken Token, int Id)> Tokens => _tokens;

    /// <summary>Splits <paramref name="text"/> into parts, in order; texts among them are normalised.</summary>
    public List<TextPart> Split(string text)
    {
        var parts = new List<TextPart>();
        foreach (TextPart part in _raw.Split(text))
        {
            if (part.TokenId is null)
            {
                parts.AddRange(_normalized.Split(_normalize(part.Text)));
            }
            else
            {
                parts.Add(part);
            }
        }

        return parts;
    }

    public static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value == '_';

    /// <summary>A trie over the tokens' characters.</summary>
    private sealed class Matcher
    {
        private readonly Node _root = new();

        public Matcher(IEnumerable<(AddedToken Token, int Id)> tokens)
        {
            foreach ((AddedToken token, int id) in tokens)
            {
                Node node = _root;
                foreach (char c in token.Content)
                {
                    if (!node.Next.TryGetValue(c, out Node? next))
                    {
                        node.Next.Add(c, next = new Node());
                    }

                    node = next;
                }

                node.Token ??= token;
                node.Id = node.Token == token ? id : node.Id;
            }
        }

        public IEnumerable<TextPart> Split(string text)
        {
            int done = 0;
            int at = 0;
            while (at < text.Length)
            {
                if (Longest(text, at) is not { } match)
                {
                    at++;
                    continue;
                }

                (AddedToken token, int id, int end) = match;
                if (token.SingleWord && (EndsInWord(text, at) || StartsWithWord(text, end)))
                {
                    at = end;
                    continue;
                }

                int start = at;
                while (token.StripLeft && start > done && char.IsWhiteSpace(text[start - 1]))
                {
                    start--;
                }

                while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end]))
                {
                    end++;
                }

                if (start > done)
                {
                    yield return new TextPart(text[done..start], null);
                }

                yield return new TextPart("", id);
                done = at = end;
            }

            if (done < text.Length)
            {
                yield return new TextPart(text[done..], null);
            }
        }

        private (AddedToken Token, int Id, int End)? Longest(string text, int start)
        {
            (AddedToken, int, int)? found = null;
            Node node = _root;
            for (int i = start; i < text.Length && node.Next.TryGetValue(text[i], out Node? next); i++)
            {
                node = next;
                if (node.Token is not null)
                {
                    found = (node.Token, node.Id, i + 1);
                }
            }

            return found;
        }

        private static bool EndsInWord(string text, int end) =>
            end > 0
            && Rune.DecodeLastFromUtf16(text.AsSpan(0, end), out Rune rune, out _) == System.Buffers.OperationStatus.Done
            && IsWord(rune);

        private static bool StartsWithWord(string text, int start) =>
            start < text.Length
            && Rune.DecodeFromUtf16(text.AsSpan(start), out Rune rune, out _) == System.Buffers.OperationStatus.Done
            && IsWord(rune);

        private sealed class Node
        {
            public Dictionary<char, Node> Next { get; } = [];

            public AddedToken? Token { get; set; }

            public int Id { get; set; }
        }
    }
}
