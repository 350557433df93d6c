using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Contracts;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// What a prediction has that a native job has no place for, and later answers and webhooks repeat. It stands in the job's metadata,
/// without the prompts: those are the job's own, and are forgotten with it.
/// </summary>
internal sealed record ReplicateNote
{
    /// <summary>A longer text of the input is repeated cut: a picture in base64, most of all.</summary>
    private const int MostText = 300;

    /// <summary>So many bytes of the input are kept at most; of more nothing is.</summary>
    private const int MostInput = 10_000;

    /// <summary>Its name in the job's metadata.</summary>
    private const string Key = "replicate";

    /// <summary>The address of this system as the client knows it.</summary>
    public required string Site { get; init; }

    /// <summary>The address of this face as the client knows it, with /v1.</summary>
    public required string Base { get; init; }

    /// <summary>Owner and name of the model.</summary>
    public required string Model { get; init; }

    public required string Version { get; init; }

    /// <summary>The fields of the input that had the prompts; null where there was none.</summary>
    public string? Prompt { get; init; }

    public string? NegativePrompt { get; init; }

    /// <summary>The rest of the input.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>What was not done as it may have been meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether the output is one file and not a list.</summary>
    public bool Single { get; init; }

    /// <summary>When the prediction is cancelled if it is not done.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public JsonElement Write() =>
        JsonSerializer.SerializeToElement(new Dictionary<string, ReplicateNote> { [Key] = this }, WireJson.Options);

    /// <summary>The note of a job; null where it has none, for it is not of this face.</summary>
    public static ReplicateNote? Read(JsonElement? metadata)
    {
        try
        {
            return
                metadata is { ValueKind: JsonValueKind.Object } all
                && all.TryGetProperty(Key, out JsonElement note)
                && note.ValueKind == JsonValueKind.Object
                && note.Deserialize<ReplicateNote>(WireJson.Options)
                    is { Site: not null, Base: not null, Model: not null, Version: not null } read
                && read.Warnings is not null
                ? read
                : null;
        }
        catch (JsonException)
        {
            // A caller of the native interface may write anything there
            return null;
        }
    }

    /// <summary>An input as it is kept: without some of its fields, and with long texts cut.</summary>
    public static JsonElement? Kept(FaceBody input, params IReadOnlyCollection<string?> without)
    {
        var kept = new JsonObject();
        foreach (string name in input.Names.Where(name => !without.Contains(name)).Take(50))
        {
            if (input.Values(name) is [.., var value])
            {
                kept[Cut(name)] = Shown(value);
            }
        }

        JsonElement element = JsonSerializer.SerializeToElement(kept);
        return element.GetRawText().Length <= MostInput ? element : null;
    }

    private static JsonNode? Shown(FaceValue value)
    {
        if (value.IsNull)
        {
            return null;
        }

        if (value.IsObject)
        {
            return new JsonObject(
                value
                    .Members.Where(m => m.Key.All(char.IsAsciiLetterOrDigit) && !m.Value.IsObject)
                    .Take(20)
                    .Select(m => KeyValuePair.Create(m.Key, Shown(m.Value)))
            );
        }

        if (value.Text is { } text)
        {
            return value.IsLiteral ? Literal(text) : JsonValue.Create(Cut(text));
        }

        FaceValue[] items = [.. value.Items().Take(20)];
        return items is [var only] && ReferenceEquals(only, value)
            ? JsonValue.Create(Cut(value.AsPicture()?.Start(MostText) ?? "") + "...")
            : new JsonArray([.. items.Select(item => item.Text is null && !item.IsObject ? null : Shown(item))]);
    }

    private static JsonValue Literal(string text) =>
        text is "true" or "false" ? JsonValue.Create(text == "true")
        : long.TryParse(text, CultureInfo.InvariantCulture, out long whole) ? JsonValue.Create(whole)
        : double.TryParse(text, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? JsonValue.Create(number)
        : JsonValue.Create(Cut(text));

    private static string Cut(string text)
    {
        string clean = text.Replace("\0", "", StringComparison.Ordinal);
        if (clean.Length <= MostText)
        {
            return clean;
        }

        // Not between the halves of a surrogate pair
        return clean[..(char.IsHighSurrogate(clean[MostText - 1]) ? MostText - 1 : MostText)] + "...";
    }
}
