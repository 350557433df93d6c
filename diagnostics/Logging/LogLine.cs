using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Generation.Diagnostics.Logging;

/// <summary>Shortens a line of a log to a size. A line that is a JSON object stays one.</summary>
internal static class LogLine
{
    /// <summary>How many characters of each string in a JSON object that is too long are kept at first.</summary>
    private const int FirstCut = 4096;

    private const int LastCut = 64;

    /// <summary>The line itself where it fits.</summary>
    /// <param name="line">The line, without its end.</param>
    /// <param name="more">How many characters of it were left out already.</param>
    /// <param name="maxBytes">The longest result, in bytes of UTF-8.</param>
    public static string Shortened(string line, long more, int maxBytes)
    {
        if (more == 0 && Encoding.UTF8.GetByteCount(line) <= maxBytes)
        {
            return line;
        }

        return line.StartsWith('{') ? ShortenedJson(line, more, maxBytes) : Cut(line, more, maxBytes);
    }

    private static string ShortenedJson(string line, long more, int maxBytes)
    {
        JsonNode? document = Parse(line);
        for (int length = FirstCut; document is not null && length >= LastCut; length /= 2)
        {
            CutStrings(document, length);
            string shorter = document.ToJsonString();
            if (Encoding.UTF8.GetByteCount(shorter) <= maxBytes)
            {
                return shorter;
            }
        }

        // An escaped character has at most six bytes
        return new JsonObject { ["Message"] = Cut(line, more, maxBytes / 8) }.ToJsonString();
    }

    private static JsonNode? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void CutStrings(JsonNode node, int length)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach ((string name, JsonNode? value) in fields.ToArray())
                {
                    fields[name] = CutValue(value, length);
                }

                break;
            case JsonArray items:
                for (int i = 0; i < items.Count; i++)
                {
                    items[i] = CutValue(items[i], length);
                }

                break;
        }
    }

    private static JsonNode? CutValue(JsonNode? value, int length)
    {
        if (value is JsonValue scalar && scalar.TryGetValue(out string? text))
        {
            return text.Length > length ? JsonValue.Create(text[..length] + "…") : scalar.DeepClone();
        }

        if (value is not null)
        {
            CutStrings(value, length);
        }

        return value?.DeepClone();
    }

    private static string Cut(string line, long more, int maxBytes)
    {
        string end = $"… ({line.Length + more} characters)";
        int room = maxBytes - Encoding.UTF8.GetByteCount(end);
        // Stops before the first character that has no room
        byte[] bytes = new byte[room];
        Encoding.UTF8.GetEncoder().Convert(line, bytes, flush: true, out int chars, out _, out _);
        return line[..chars] + end;
    }
}
