using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;
using Microsoft.AspNetCore.WebUtilities;

namespace Generation.Api.Faces.Replicate;

/// <summary>Addresses under which a client knows this system.</summary>
/// <param name="Site">Of the system.</param>
/// <param name="Base">Of this face, with /v1.</param>
internal sealed record ReplicateAddress(string Site, string Base);

/// <summary>Jobs as predictions.</summary>
internal sealed class ReplicateAnswers(ReplicateTable table, KeySecret secret, TimeProvider time)
{
    private const string Purpose = "replicate stream";

    /// <summary>How long the address of a stream is good.</summary>
    private static readonly TimeSpan StreamGoodFor = TimeSpan.FromDays(1);

    /// <summary>A job as a prediction.</summary>
    /// <param name="job">The job, with addresses of its outputs that need no key.</param>
    /// <param name="address">Where the client is; jobs of this face know it themselves.</param>
    /// <param name="isWaited">
    /// Whether a waiting call is answered with it: a client takes any state but "starting" for the end there, so that one that is not over
    /// is "starting".
    /// </param>
    /// <param name="files">What stands for outputs instead of their addresses, by their index.</param>
    public JsonObject Prediction(
        JobDocument job,
        ReplicateAddress address,
        bool isWaited = false,
        IReadOnlyDictionary<int, string>? files = null
    )
    {
        var note = ReplicateNote.Read(job.Metadata);
        string id = IdOf(job.Id);
        JsonNode? output = OutputOf(job, note, address.Site, files, out bool allFiltered);
        string status = StatusOf(job, note, isWaited, allFiltered);
        string own = $"{address.Base}/predictions/{id}";
        var prediction = new JsonObject
        {
            ["id"] = id,
            ["model"] = note?.Model ?? $"{table.Owner}/{job.Model}",
            ["version"] = note?.Version ?? "hidden",
            ["input"] = InputOf(job, note),
            ["output"] = output,
            ["error"] = ErrorOf(job, status, allFiltered),
            ["logs"] = LogsOf(job, note),
            ["status"] = status,
            ["source"] = "api",
            ["data_removed"] = job.OutputsDeletedAt is not null,
            ["created_at"] = Time(job.CreatedAt),
            ["started_at"] = job.StartedAt is { } started ? Time(started) : null,
            ["completed_at"] = job.FinishedAt is { } finished ? Time(finished) : null,
            ["metrics"] = MetricsOf(job),
            ["urls"] = new JsonObject
            {
                ["get"] = own,
                ["cancel"] = $"{own}/cancel",
                ["web"] = $"{address.Site}/#/jobs?id={job.Id}",
                ["stream"] = StreamOf(job.Id, address.Base),
            },
        };
        if (note?.Deadline is { } deadline)
        {
            prediction["deadline"] = Time(deadline);
        }

        return prediction;
    }

    /// <summary>The addresses that belong in a job's answers: those under which its own call came, else the present one's.</summary>
    public static ReplicateAddress AddressOf(ReplicateNote note) => new(note.Site, note.Base);

    /// <summary>A job's id as predictions have it: without hyphens.</summary>
    public static string IdOf(JobId id) => id.Value.ToString("N");

    /// <summary>The job of a prediction's id; null where it is none.</summary>
    public static JobId? JobOf(string id) =>
        Guid.TryParseExact(id, "N", out Guid job) || Guid.TryParseExact(id, "D", out job) ? new JobId(job) : null;

    /// <summary>A time as this service writes it.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>
    /// The addresses of the outputs: those that a checker has flagged are left out, as on the service. Null where there are none yet, or
    /// none any more.
    /// </summary>
    public static IReadOnlyList<string>? Outputs(JobDocument job, string site, IReadOnlyDictionary<int, string>? files = null) =>
        Given(job)
            ?.Select(output => files?.GetValueOrDefault(output.Index) ?? (output.Url.StartsWith('/') ? site + output.Url : output.Url))
            .ToArray();

    /// <summary>The outputs that are given out; null where there are none yet, or none any more.</summary>
    public static IEnumerable<JobOutputLink>? Given(JobDocument job) =>
        job.State != JobState.Succeeded || job.OutputsDeletedAt is not null
            ? null
            : job.Outputs.Where(output => job.Request?.Safety == SafetyPolicy.Off || output.Nsfw != true);

    /// <summary>What went wrong, in words; null where nothing did.</summary>
    public static string? ErrorOf(JobDocument job, string status, bool allFiltered) =>
        status != "failed" ? null
        : allFiltered ? "NSFW content detected in all outputs. Try running it again, or try a different prompt."
        : job.State == JobState.Expired ? "No worker began it in time. Nothing was charged."
        : job.Error?.Detail ?? "It failed. Nothing was charged.";

    /// <summary>How a job stands, in the service's words.</summary>
    public static string StatusOf(JobDocument job, ReplicateNote? note, bool isWaited, bool allFiltered) =>
        job.State switch
        {
            JobState.Queued => "starting",
            JobState.Running => isWaited ? "starting" : "processing",
            JobState.Succeeded => allFiltered ? "failed" : "succeeded",
            JobState.Cancelled => "canceled",
            // Its own time was over before it began
            JobState.Expired when note?.Deadline is not null => "canceled",
            _ => "failed",
        };

    /// <summary>Whether the signature in an address of a stream is good.</summary>
    public bool IsSigned(JobId job, long expires, string signature)
    {
        if (expires <= time.GetUtcNow().ToUnixTimeSeconds())
        {
            return false;
        }

        try
        {
            return secret.IsSigned(Purpose, Signed(job, expires), WebEncoders.Base64UrlDecode(signature), StreamGoodFor, time.GetUtcNow());
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private string StreamOf(JobId job, string address)
    {
        // The same address for an hour
        const int Hour = 3600;
        long expires = (time.GetUtcNow().ToUnixTimeSeconds() / Hour * Hour) + (long)StreamGoodFor.TotalSeconds;
        string signature = WebEncoders.Base64UrlEncode(secret.Sign(Purpose, Signed(job, expires)));
        return $"{address}/files/streams/{IdOf(job)}?expires={expires}&signature={signature}";
    }

    private static string Signed(JobId job, long expires) => string.Create(CultureInfo.InvariantCulture, $"{job}/{expires}");

    private static JsonNode? OutputOf(
        JobDocument job,
        ReplicateNote? note,
        string site,
        IReadOnlyDictionary<int, string>? files,
        out bool allFiltered
    )
    {
        IReadOnlyList<string>? outputs = Outputs(job, site, files);
        allFiltered = outputs is [] && job.Outputs.Count > 0;
        return outputs switch
        {
            null or [] => null,
            [var only] when note?.Single == true => only,
            _ => new JsonArray([.. outputs.Select(o => (JsonNode)JsonValue.Create(o))]),
        };
    }

    private static JsonObject InputOf(JobDocument job, ReplicateNote? note)
    {
        (string? prompt, string? negative) = job.Request switch
        {
            PictureRequest r => (r.Prompt, r.NegativePrompt),
            VideoRequest r => (r.Prompt, r.NegativePrompt),
            SuperResolutionRequest r => (r.Prompt, r.NegativePrompt),
            _ => (null, null),
        };
        JsonObject input = note?.Input is { ValueKind: JsonValueKind.Object } kept ? JsonObject.Create(kept)! : [];
        if (note is null)
        {
            input["prompt"] = prompt;
            return input;
        }

        if (note.Prompt is { } field)
        {
            input[field] = prompt;
        }

        if (note.NegativePrompt is { } other)
        {
            input[other] = negative;
        }

        return input;
    }

    private static string LogsOf(JobDocument job, ReplicateNote? note)
    {
        var logs = new StringBuilder();
        foreach (string line in JobLines.Of(job, note?.Warnings ?? []))
        {
            logs.Append(line).Append('\n');
        }

        return logs.ToString();
    }

    private static JsonObject MetricsOf(JobDocument job)
    {
        var metrics = new JsonObject();
        if (job is { StartedAt: { } started, FinishedAt: { } finished })
        {
            metrics["predict_time"] = Math.Round((finished - started).TotalSeconds, 3);
            metrics["total_time"] = Math.Round((finished - job.CreatedAt).TotalSeconds, 3);
        }

        return metrics;
    }
}

/// <summary>Webhook messages of jobs that were made through this face: the prediction, as a GET gives it.</summary>
internal sealed class ReplicateWebhook(ReplicateAnswers answers, OutputUrls urls) : IWebhookFormat
{
    public bool Takes(JobRow job) => ReplicateNote.Read(job.Metadata) is not null;

    public Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken)
    {
        JobDocument document = urls.Sign(job.ToDocument());
        var note = ReplicateNote.Read(job.Metadata);
        return Task.FromResult(answers.Prediction(document, ReplicateAnswers.AddressOf(note!)).ToJsonString(WireJson.Options));
    }
}
