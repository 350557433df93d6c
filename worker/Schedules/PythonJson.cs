using System.Text;
using System.Text.Json;

namespace Generation.Schedules;

/// <summary>
/// Reads the JSON that Python's json module writes, in which <c>Infinity</c>, <c>-Infinity</c> and <c>NaN</c> stand without quotes.
/// </summary>
/// <remarks>Configs of schedulers contain them (lambda_min_clipped). They become strings here; see <see cref="Number"/>.</remarks>
public static class PythonJson
{
    /// <summary>Parses a text and returns its root.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(QuoteBareWords(text));
        return document.RootElement.Clone();
    }

    /// <summary>The value of a number, or of a string that stands for Infinity, -Infinity or NaN.</summary>
    /// <exception cref="JsonException">The element is another string.</exception>
    public static double Number(JsonElement element) =>
        element.ValueKind == JsonValueKind.String
            ? element.GetString() switch
            {
                "Infinity" => double.PositiveInfinity,
                "-Infinity" => double.NegativeInfinity,
                "NaN" => double.NaN,
                var other => throw new JsonException($"'{other}' is not a number."),
            }
            : element.GetDouble();

    private static string QuoteBareWords(string text)
    {
        if (!text.Contains("Infinity", StringComparison.Ordinal) && !text.Contains("NaN", StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length + 16);
        bool inString = false;
        for (int i = 0; i < text.Length; i++)
        {
            string? word = inString
                ? null
                : Array.Find(["-Infinity", "Infinity", "NaN"], w => string.CompareOrdinal(text, i, w, 0, w.Length) == 0);
            if (word is not null)
            {
                result.Append('"').Append(word).Append('"');
                i += word.Length - 1;
                continue;
            }

            if (inString && text[i] == '\\' && i + 1 < text.Length)
            {
                result.Append(text[i++]);
            }
            else if (text[i] == '"')
            {
                inString = !inString;
            }

            result.Append(text[i]);
        }

        return result.ToString();
    }
}
