using System.Globalization;
using System.Text;

namespace Generation.Prompts;

/// <summary>
/// Prompts that change while a picture is made, as AUTOMATIC1111's web UI writes them (modules/prompt_parser.py,
/// get_learned_conditioning_prompt_schedules):
/// <code>
/// [from:to:when]   from until step when, then to; when is a share of the steps with a point (0.5), else a number of steps (12)
/// [to:when]        nothing, then to
/// [from::when]     from, then nothing
/// [a|b|c]          another one at each step, again from the first after the last
/// </code>
/// Any part may hold further brackets of either kind. Square brackets of another form are left to <see cref="PromptParser"/>.
/// </summary>
public static class PromptSchedule
{
    /// <summary>Texts that one prompt may become, each of which is encoded before the first step.</summary>
    public const int MaxTexts = 64;

    /// <summary>The text of each step, the first step's first.</summary>
    /// <param name="prompt">The prompt, with weights and escapes, which the texts keep.</param>
    /// <param name="steps">Steps that the picture's whole schedule has.</param>
    /// <exception cref="PromptException">It becomes more texts than may be.</exception>
    public static IReadOnlyList<string> Texts(string prompt, int steps)
    {
        string[] texts = [.. Expand(prompt, steps)];
        return texts.Distinct(StringComparer.Ordinal).Skip(MaxTexts).Any()
            ? throw new PromptException(
                $"The prompt becomes more than {MaxTexts} different texts by its [from:to:when] and [a|b]; use fewer of them."
            )
            : texts;
    }

    /// <summary>Returns the text of each step, like <see cref="Texts"/>, without a limit on how many different texts there are.</summary>
    /// <param name="prompt">The prompt, with weights and escapes, which the texts keep.</param>
    /// <param name="steps">The number of steps of the picture's whole schedule.</param>
    public static IEnumerable<string> Expand(string prompt, int steps)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (!prompt.Contains('['))
        {
            return Enumerable.Repeat(prompt, steps);
        }

        Node root = Read(prompt, depth: 0);
        return Enumerable
            .Range(0, steps)
            .Select(step =>
            {
                var text = new StringBuilder(prompt.Length);
                root.Write(text, step, steps);
                return text.ToString();
            });
    }

    private static Sequence Read(string text, int depth)
    {
        var nodes = new List<Node>();
        int done = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == '[' && depth < PromptParser.MaxDepth && Inside(text, at) is { } inside)
            {
                nodes.Add(new Words(text[done..at]));
                nodes.Add(ReadBrackets(inside, depth + 1));
                at = inside.End;
                done = at + 1;
            }
        }

        nodes.Add(new Words(text[done..]));
        return new Sequence(nodes);
    }

    private static Node ReadBrackets(Bracket bracket, int depth)
    {
        if (bracket.Mark == '|')
        {
            return new Alternation([.. bracket.Segments.Select(segment => Read(segment, depth))]);
        }

        if (bracket.Segments.Count is 2 or 3 && TryReadWhen(bracket.Segments[^1], out double when, out bool isShare))
        {
            Node before = bracket.Segments.Count == 3 ? Read(bracket.Segments[0], depth) : new Words("");
            return new Change(before, Read(bracket.Segments[^2], depth), when, isShare);
        }

        // Weaker words, which may hold a change
        string separator = bracket.Mark == ':' ? ":" : "";
        var nodes = new List<Node> { new Words("[") };
        for (int k = 0; k < bracket.Segments.Count; k++)
        {
            nodes.Add(new Words(k == 0 ? "" : separator));
            nodes.Add(Read(bracket.Segments[k], depth));
        }

        nodes.Add(new Words("]"));
        return new Sequence(nodes);
    }

    /// <summary>
    /// What stands between a bracket and the one that closes it, parted at '|' or else at ':' that stand in no further bracket; null where
    /// it is not closed.
    /// </summary>
    private static Bracket? Inside(string text, int open)
    {
        int square = 0;
        int round = 0;
        var bars = new List<int>();
        var colons = new List<int>();
        for (int at = open + 1; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\\':
                    at++;
                    break;
                case '[':
                    square++;
                    break;
                case ']' when square == 0:
                    char mark = bars.Count > 0 ? '|' : ':';
                    return new Bracket(mark, Part(text, open + 1, at, bars.Count > 0 ? bars : colons), at);
                case ']':
                    square--;
                    break;
                case '(':
                    round++;
                    break;
                case ')':
                    round = Math.Max(0, round - 1);
                    break;
                case '|' when square == 0 && round == 0:
                    bars.Add(at);
                    break;
                case ':' when square == 0 && round == 0:
                    colons.Add(at);
                    break;
            }
        }

        return null;
    }

    private static List<string> Part(string text, int from, int to, List<int> marks)
    {
        var parts = new List<string>();
        foreach (int mark in marks)
        {
            parts.Add(text[from..mark]);
            from = mark + 1;
        }

        parts.Add(text[from..to]);
        return parts;
    }

    private static bool TryReadWhen(string text, out double when, out bool isShare)
    {
        string number = text.Trim();
        isShare = number.Contains('.');
        when = 0;
        return number.Length is > 0 and <= 20
            && number.All(c => char.IsAsciiDigit(c) || c == '.')
            && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out when);
    }

    private sealed record Bracket(char Mark, List<string> Segments, int End);

    /// <summary>A part of the prompt, whose text depends on the step.</summary>
    private abstract record Node
    {
        public abstract void Write(StringBuilder text, int step, int steps);
    }

    private sealed record Words(string Text) : Node
    {
        public override void Write(StringBuilder text, int step, int steps) => text.Append(Text);
    }

    private sealed record Sequence(List<Node> Nodes) : Node
    {
        public override void Write(StringBuilder text, int step, int steps)
        {
            foreach (Node node in Nodes)
            {
                node.Write(text, step, steps);
            }
        }
    }

    private sealed record Change(Node Before, Node After, double When, bool IsShare) : Node
    {
        public override void Write(StringBuilder text, int step, int steps)
        {
            double until = Math.Floor(IsShare ? When * steps : When);
            (step < until ? Before : After).Write(text, step, steps);
        }
    }

    private sealed record Alternation(List<Sequence> Choices) : Node
    {
        public override void Write(StringBuilder text, int step, int steps) => Choices[step % Choices.Count].Write(text, step, steps);
    }
}
