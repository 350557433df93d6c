using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// What a call said that a native job has no place for, and its later answers and its webhook repeat. It stands in the job's metadata.
/// </summary>
internal sealed record ModelsLabNote
{
    /// <summary>Its name in the job's metadata.</summary>
    public const string Key = "modelslab";

    /// <summary>Address under which the client knows this system: scheme and host.</summary>
    public required string Base { get; init; }

    /// <summary>Version and group of the call.</summary>
    public required string Version { get; init; }

    public required string Group { get; init; }

    /// <summary>Operation of the call.</summary>
    public required string Operation { get; init; }

    /// <summary>The client's own name for the job.</summary>
    public string? TrackId { get; init; }

    /// <summary>Whether outputs are to be given as base64 rather than as addresses.</summary>
    public bool Base64 { get; init; }

    /// <summary>Whether a webhook is told.</summary>
    public bool Webhook { get; init; }

    public string? ModelId { get; init; }

    public string? Scheduler { get; init; }

    public bool SafetyChecker { get; init; }

    public string? Upscale { get; init; }

    public bool MultiLingual { get; init; }

    public bool Panorama { get; init; }

    public bool SelfAttention { get; init; }

    public string? Embeddings { get; init; }

    public string? Lora { get; init; }

    /// <summary>Addresses of the input pictures, where they came as addresses.</summary>
    public string? InitImage { get; init; }

    public string? MaskImage { get; init; }

    public JsonElement ToMetadata()
    {
        var metadata = new JsonObject { [Key] = JsonSerializer.SerializeToNode(this, WireJson.Options) };
        if (TrackId is not null)
        {
            metadata["track_id"] = TrackId;
        }

        return JsonSerializer.SerializeToElement(metadata);
    }

    /// <summary>The note of a job; null if it was not made through this face.</summary>
    public static ModelsLabNote? Of(JobRow job)
    {
        try
        {
            return job.Metadata is { ValueKind: JsonValueKind.Object } metadata && metadata.TryGetProperty(Key, out JsonElement note)
                ? note.Deserialize<ModelsLabNote>(WireJson.Options)
                : null;
        }
        catch (JsonException)
        {
            // Somebody's own metadata under the same name
            return null;
        }
    }
}

/// <summary>Webhook messages of jobs that were made through this face, as the service sends them.</summary>
internal sealed class ModelsLabWebhook(ModelsLabAnswers answers) : IWebhookFormat
{
    public bool Takes(JobRow job) => ModelsLabNote.Of(job) is not null;

    public async Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken) =>
        (await answers.WebhookAsync(job, ModelsLabNote.Of(job)!, cancellationToken)).ToJsonString(WireJson.Options);
}
