using System.Text;
using System.Text.Json;

namespace Generation.Api.Web;

/// <summary>Parts of the sentences that say what is wrong with a value.</summary>
internal static class ErrorText
{
    /// <summary>The type of a JSON value as a noun: "a string", "a number", ...</summary>
    public static string KindOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => "a string",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "a boolean",
            JsonValueKind.Null => "null",
            JsonValueKind.Array => "an array",
            JsonValueKind.Object => "an object",
            _ => "nothing",
        };

    /// <summary>The type of the JSON value that begins with a token, as a noun.</summary>
    public static string KindOf(JsonTokenType token) =>
        token switch
        {
            JsonTokenType.String => "a string",
            JsonTokenType.Number => "a number",
            JsonTokenType.True or JsonTokenType.False => "a boolean",
            JsonTokenType.Null => "null",
            JsonTokenType.StartArray => "an array",
            JsonTokenType.StartObject => "an object",
            _ => "nothing",
        };

    /// <summary>The text "; did you mean 'x'?" with the nearest of <paramref name="known"/>; empty where none is near.</summary>
    public static string DidYouMean(string given, IEnumerable<string> known)
    {
        string? nearest = null;
        int least = Math.Max(2, given.Length / 3) + 1;
        foreach (string name in known)
        {
            int distance = Normal(name) == Normal(given) ? 0 : Distance(given.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance < least)
            {
                (nearest, least) = (name, distance);
            }
        }

        return nearest is null ? "" : $"; did you mean '{nearest}'?";
    }

    /// <summary>A value as errors show it: on one line, and cut where it is long.</summary>
    public static string Shown(string value) =>
        // What errors say is stored, too, and PostgreSQL has no U+0000
        (value.Length <= 60 ? value : value[..57] + "...").ReplaceLineEndings(" ").Replace('\0', '\uFFFD');

    /// <summary>A text in UTF-8 as errors show it; no more of it is read than is shown.</summary>
    public static string Shown(ReadOnlySpan<byte> utf8) =>
        // Each character has one byte at least and four at most
        Shown(Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, 4 * 61)]));

    private static string Normal(string name) => name.Replace("_", "").Replace("-", "").ToLowerInvariant();

    /// <summary>The Levenshtein distance of two texts, or the largest number where they are far apart in length.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 8 || a.Length > 100)
        {
            return int.MaxValue;
        }

        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], cost);
            }
        }

        return row[b.Length];
    }
}
