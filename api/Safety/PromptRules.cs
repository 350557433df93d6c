using System.Globalization;
using System.Text;
using Generation.Prompts;

namespace Generation.Api.Safety;

/// <summary>
/// Words and phrases that prompts may not have. They are found whatever the case, the width of the letters, and the spaces and
/// hyphens between words, and only as whole words; one that ends in * is found at the beginning of longer words too.
/// </summary>
internal static class PromptRules
{
    public const int MaxWords = 1000;
    public const int MaxWordLength = 100;

    /// <summary>The first of <paramref name="words"/> that <paramref name="prompt"/> has; null if it has none.</summary>
    public static string? FindBlocked(string prompt, IReadOnlyList<string> words)
    {
        if (words.Count == 0 || prompt.Length == 0)
        {
            return null;
        }

        string[] texts = [.. Readings(prompt).Select(reading => " " + Normal(reading) + " ").Distinct(StringComparer.Ordinal)];
        return words.FirstOrDefault(word =>
        {
            bool isBeginning = word.EndsWith('*');
            string sought = " " + Normal(isBeginning ? word[..^1] : word);
            return sought.Length > 1 && texts.Any(text => text.Contains(isBeginning ? sought : sought + " ", StringComparison.Ordinal));
        });
    }

    /// <summary>
    /// The prompt as it stands, and as models read it: what its brackets become step by step, without weights. A word may be put
    /// together by them.
    /// </summary>
    private static IEnumerable<string> Readings(string prompt)
    {
        // As many as a picture may have, so that every turn of an alternation comes
        const int Steps = 150;
        if (prompt.AsSpan().IndexOfAny("()[]\\") < 0)
        {
            return [prompt];
        }

        return [prompt, .. PromptSchedule.Expand(prompt, Steps).Distinct(StringComparer.Ordinal).Select(WithoutWeights)];
    }

    private static string WithoutWeights(string text)
    {
        try
        {
            return string.Join(' ', PromptParser.Parse(text).Select(section => string.Concat(section.Select(part => part.Text))));
        }
        catch (PromptException)
        {
            // It will be refused for its syntax, or is plain text to its model
            return text;
        }
    }

    /// <summary>A text as it is compared: lower-case letters and digits, with one space between words.</summary>
    private static string Normal(string text)
    {
        var normal = new StringBuilder(text.Length);
        foreach (char given in text)
        {
            // Full-width forms of the ASCII characters; without ICU the framework has no compatibility normalisation
            char c = given is >= '\uff01' and <= '\uff5e' ? (char)(given - 0xfee0) : given;
            if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                normal.Append(char.ToLowerInvariant(c));
            }
            else if (
                CharUnicodeInfo.GetUnicodeCategory(c) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.Format)
                && normal.Length > 0
                && normal[^1] != ' '
            )
            {
                normal.Append(' ');
            }
        }

        return normal.ToString().TrimEnd();
    }
}
