using System.Buffers;
using System.Globalization;
using System.Text;

namespace Generation.Prompts;

/// <summary>
/// Reads the prompt syntax of AUTOMATIC1111's web UI (modules/prompt_parser.py, parse_prompt_attention):
/// <code>
/// (text)      1.1 times as strong; each further pair of brackets again
/// (text:1.3)  1.3 times as strong
/// [text]      1 / 1.1 times as strong
/// \( \) \[ \] \\   the character itself
/// BREAK       what follows begins a new chunk
/// </code>
/// A bracket that is not closed reaches to the end; one that was not opened is text. Different from the web UI in one thing: BREAK
/// within brackets parts the text, too, where the web UI takes it for a word.
/// </summary>
public static class PromptParser
{
    /// <summary>Largest weight, nested brackets together; also the lowest, with a minus.</summary>
    public const double MaxWeight = 100;

    /// <summary>Brackets that may be open at once.</summary>
    public const int MaxDepth = 100;

    private static readonly SearchValues<char> Marks = SearchValues.Create("\\()[]:");

    private const double Emphasis = 1.1;
    private const string Break = "BREAK";

    /// <summary>The sections that BREAK parts, each a row of parts of different weight; a section may be empty.</summary>
    /// <exception cref="PromptException">A weight or the depth of brackets is beyond the limit.</exception>
    public static IReadOnlyList<IReadOnlyList<PromptPart>> Parse(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var parts = new List<Piece>();
        var round = new Stack<int>();
        var square = new Stack<int>();
        int at = 0;
        while (at < prompt.Length)
        {
            char c = prompt[at];
            switch (c)
            {
                case '\\':
                    bool escapes = at + 1 < prompt.Length && prompt[at + 1] is '(' or ')' or '[' or ']' or '\\';
                    if (escapes)
                    {
                        parts.Add(new Piece(prompt[at + 1].ToString()));
                    }

                    at += escapes ? 2 : 1;
                    break;
                case '(' or '[':
                    Stack<int> opened = c == '(' ? round : square;
                    if (opened.Count == MaxDepth)
                    {
                        throw new PromptException($"The prompt opens more than {MaxDepth} '{c}' within each other, at character {at + 1}.");
                    }

                    opened.Push(parts.Count);
                    at++;
                    break;
                case ':' when round.Count > 0 && TryReadWeight(prompt, at, out double weight, out int end):
                    Multiply(parts, round.Pop(), weight, at);
                    at = end;
                    break;
                case ')' when round.Count > 0:
                    Multiply(parts, round.Pop(), Emphasis, at);
                    at++;
                    break;
                case ']' when square.Count > 0:
                    Multiply(parts, square.Pop(), 1 / Emphasis, at);
                    at++;
                    break;
                default:
                    int next = prompt.AsSpan(at + 1).IndexOfAny(Marks);
                    int stop = next < 0 ? prompt.Length : at + 1 + next;
                    AddText(parts, prompt[at..stop]);
                    at = stop;
                    break;
            }
        }

        while (round.TryPop(out int start))
        {
            Multiply(parts, start, Emphasis, prompt.Length);
        }

        while (square.TryPop(out int start))
        {
            Multiply(parts, start, 1 / Emphasis, prompt.Length);
        }

        return Join(parts);
    }

    /// <summary>Adds text, parted at each BREAK that stands as a word of its own; white space around it goes with it.</summary>
    private static void AddText(List<Piece> parts, string text)
    {
        int done = 0;
        for (int at = text.IndexOf(Break, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Break, at + 1, StringComparison.Ordinal))
        {
            int end = at + Break.Length;
            if ((at > 0 && IsWord(text[at - 1])) || (end < text.Length && IsWord(text[end])))
            {
                continue;
            }

            parts.Add(new Piece(text[done..at].TrimEnd()));
            parts.Add(new Piece(null));
            done = end;
            while (done < text.Length && char.IsWhiteSpace(text[done]))
            {
                done++;
            }
        }

        parts.Add(new Piece(text[done..]));
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';

    /// <summary>
    /// Reads ":1.2)" at <paramref name="at"/>: a colon, a number without exponent, a bracket, white space around the number.
    /// </summary>
    private static bool TryReadWeight(string prompt, int at, out double weight, out int end)
    {
        int from = at + 1;
        while (from < prompt.Length && char.IsWhiteSpace(prompt[from]))
        {
            from++;
        }

        int to = from;
        if (to < prompt.Length && prompt[to] is '+' or '-')
        {
            to++;
        }

        while (to < prompt.Length && (char.IsAsciiDigit(prompt[to]) || prompt[to] == '.'))
        {
            to++;
        }

        bool isNumber = double.TryParse(
            prompt.AsSpan(from, to - from),
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out weight
        );
        while (to < prompt.Length && char.IsWhiteSpace(prompt[to]))
        {
            to++;
        }

        end = to + 1;
        return isNumber && to < prompt.Length && prompt[to] == ')';
    }

    private static void Multiply(List<Piece> parts, int from, double factor, int at)
    {
        for (int i = from; i < parts.Count; i++)
        {
            double weight = parts[i].Weight * factor;
            // Also refuses a number too large for a double
            if (!(Math.Abs(weight) <= MaxWeight))
            {
                throw new PromptException($"A weight that ends at character {at + 1} comes to {weight:G4}; the limit is {MaxWeight}.");
            }

            parts[i].Weight = weight;
        }
    }

    /// <summary>Neighbours of equal weight become one part, so that words which only an escape parts are encoded together.</summary>
    private static List<IReadOnlyList<PromptPart>> Join(List<Piece> parts)
    {
        var sections = new List<IReadOnlyList<PromptPart>>();
        var section = new List<PromptPart>();
        var text = new StringBuilder();
        double weight = 1;
        foreach (Piece part in parts)
        {
            if (part.Text is null || part.Weight != weight)
            {
                Flush();
                weight = part.Weight;
            }

            if (part.Text is null)
            {
                sections.Add(section);
                section = [];
            }

            text.Append(part.Text);
        }

        Flush();
        sections.Add(section);
        return sections;

        void Flush()
        {
            if (text.Length > 0)
            {
                section.Add(new PromptPart(text.ToString(), weight));
                text.Clear();
            }
        }
    }

    /// <summary>A stretch of text, or, without text, a BREAK.</summary>
    private sealed class Piece(string? text)
    {
        public string? Text { get; } = text;

        public double Weight { get; set; } = 1;
    }
}

/// <summary>How a prompt's text is read.</summary>
public enum PromptSyntax
{
    /// <summary>The text as it stands, cut to what the text encoder takes at once: the reference pipelines' way.</summary>
    Plain = 0,

    /// <summary>
    /// With emphasis, BREAK, textual inversion, and as many chunks as the text needs, as AUTOMATIC1111's web UI reads it. A text that uses
    /// none of this and fits into one chunk gives the same as <see cref="Plain"/>, to the bit.
    /// </summary>
    Weighted = 1,
}

/// <summary>A stretch of a prompt with one weight.</summary>
/// <param name="Text">The text, escapes resolved.</param>
/// <param name="Weight">What the encoded text is multiplied by; 1 leaves it alone.</param>
public sealed record PromptPart(string Text, double Weight);

/// <summary>A prompt cannot be read; the message says where and what the limit is, and holds nothing of the prompt itself.</summary>
public sealed class PromptException : Exception
{
    public PromptException(string message)
        : base(message) { }
}
