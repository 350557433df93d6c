using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api.Faces.Fal;

/// <summary>
/// What a request has that a native job has no place for, and later answers and webhooks repeat. It stands in the job's metadata.
/// </summary>
internal sealed record FalNote
{
    /// <summary>Its name in the job's metadata.</summary>
    private const string Key = "fal";

    /// <summary>The address of this system as the client knows it.</summary>
    public required string Site { get; init; }

    /// <summary>The path of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Whether its outputs are data URIs.</summary>
    public bool Sync { get; init; }

    /// <summary>Whether the client set how long it may wait for its start.</summary>
    public bool HasTimeout { get; init; }

    /// <summary>What was not done as it may have been meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    public JsonElement Write() => JsonSerializer.SerializeToElement(new Dictionary<string, FalNote> { [Key] = this }, WireJson.Options);

    /// <summary>The note of a job; null where it has none, for it is not of this face.</summary>
    public static FalNote? Read(JsonElement? metadata)
    {
        try
        {
            return
                metadata is { ValueKind: JsonValueKind.Object } all
                && all.TryGetProperty(Key, out JsonElement note)
                && note.ValueKind == JsonValueKind.Object
                && note.Deserialize<FalNote>(WireJson.Options) is { Site: not null, Model: not null, Warnings: not null } read
                ? read
                : null;
        }
        catch (JsonException)
        {
            // A caller of the native interface may write anything there
            return null;
        }
    }
}
