using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Api.Faces.Fal;

/// <summary>How a request ended: an HTTP status, the result or the error, and the error's name.</summary>
internal sealed record FalOutcome(int Status, JsonObject Body, string? ErrorType);

/// <summary>Jobs as this service's requests.</summary>
internal sealed class FalAnswers(FalTable table, FaceCalls calls, TimeProvider time)
{
    private static readonly string[] Namespaces = ["workflows", "comfy"];

    /// <summary>A request that was just taken.</summary>
    public JsonObject Submitted(JobDocument job, string site)
    {
        JsonObject answer = Head(job, "IN_QUEUE", site);
        answer["queue_position"] = PositionOf(job);
        return answer;
    }

    /// <summary>How a request stands.</summary>
    public JsonObject Status(JobDocument job, string site, bool withLogs)
    {
        var note = FalNote.Read(job.Metadata);
        if (job.State == JobState.Queued)
        {
            return Submitted(job, site);
        }

        JsonObject answer = Head(job, job.State.IsFinal() ? "COMPLETED" : "IN_PROGRESS", site);
        answer["logs"] = withLogs ? LogsOf(job, note) : null;
        if (job.State.IsFinal())
        {
            answer["metrics"] = new JsonObject { ["inference_time"] = SecondsOf(job) };
            if (Error(job, note) is { } error)
            {
                answer["error"] = error.Body["detail"] is JsonArray list
                    ? list[0]!["msg"]!.GetValue<string>()
                    : error.Body["detail"]!.GetValue<string>();
                answer["error_type"] = error.ErrorType;
            }
        }

        return answer;
    }

    /// <summary>What a request made, or why not.</summary>
    /// <param name="job">The job, which has ended.</param>
    /// <param name="site">The address of this system as the client knows it.</param>
    /// <param name="cancellationToken">Ends the reading of outputs that are to be in the answer.</param>
    public async Task<FalOutcome> OutcomeAsync(JobDocument job, string site, CancellationToken cancellationToken)
    {
        var note = FalNote.Read(job.Metadata);
        return Error(job, note) ?? new FalOutcome(200, await ResultAsync(job, note, site, cancellationToken), null);
    }

    /// <summary>Whether a request is over, which the status of the answer says to some clients.</summary>
    public static int StatusCode(JobDocument job) => job.State.IsFinal() ? StatusCodes.Status200OK : StatusCodes.Status202Accepted;

    private async Task<JsonObject> ResultAsync(JobDocument job, FalNote? note, string site, CancellationToken cancellationToken)
    {
        bool isInline = note?.Sync == true && job.Outputs.Sum(output => output.Bytes) <= table.MaxDataUriBytes;
        var files = new List<JsonObject>();
        foreach (JobOutputLink output in job.Outputs)
        {
            string url =
                isInline ? $"data:{output.ContentType};base64,{Convert.ToBase64String(await calls.ReadAsync(output, cancellationToken))}"
                : output.Url.StartsWith('/') ? site + output.Url
                : output.Url;
            files.Add(FileOf(job, output, url));
        }

        (string? prompt, long? seed) = job.Request switch
        {
            PictureRequest r => (r.Prompt, r.Seed),
            VideoRequest r => (r.Prompt, r.Seed),
            SuperResolutionRequest r => (r.Prompt, r.Seed),
            _ => ((string?)null, (long?)null),
        };
        var timings = new JsonObject { ["inference"] = SecondsOf(job) };
        return job.Kind switch
        {
            JobKind.SuperResolution => new JsonObject { ["image"] = files[0], ["timings"] = timings },
            JobKind.Video => new JsonObject
            {
                ["video"] = files[0],
                ["seed"] = seed,
                ["timings"] = timings,
            },
            _ => new JsonObject
            {
                ["images"] = new JsonArray([.. files]),
                ["timings"] = timings,
                ["seed"] = seed,
                ["has_nsfw_concepts"] = new JsonArray([.. job.Outputs.Select(output => (JsonNode)(output.Nsfw == true))]),
                ["prompt"] = prompt,
            },
        };
    }

    private static JsonObject FileOf(JobDocument job, JobOutputLink output, string url) =>
        new()
        {
            ["url"] = url,
            ["width"] = output.Width,
            ["height"] = output.Height,
            ["content_type"] = output.ContentType,
            ["file_name"] = OutputUrls.FileNameOf(job, output),
            ["file_size"] = output.Bytes,
        };

    private static FalOutcome? Error(JobDocument job, FalNote? note) =>
        job switch
        {
            { State: JobState.Succeeded, OutputsDeletedAt: not null } => Of(
                404,
                "The files of this request are no longer kept.",
                "not_found"
            ),
            { State: JobState.Succeeded } => null,
            { State: JobState.Failed, Error: { Field: { } field, Code: "invalid_request" or "invalid_image" } error } => new FalOutcome(
                422,
                new JsonObject { ["detail"] = new JsonArray(FalErrors.Item(field, error.Detail, "value_error")) },
                "value_error"
            ),
            { State: JobState.Cancelled } => Of(499, "The request was cancelled.", "client_cancelled"),
            { State: JobState.Expired } => Of(
                504,
                "No runner began the request in time. Nothing was charged.",
                note?.HasTimeout == true ? "request_timeout" : "startup_timeout"
            ),
            _ => Of(500, job.Error?.Detail ?? "The request failed. Nothing was charged.", "runner_server_error"),
        };

    private static FalOutcome Of(int status, string detail, string type) =>
        new(status, new JsonObject { ["detail"] = detail, ["error_type"] = type }, type);

    private static double SecondsOf(JobDocument job) =>
        job is { StartedAt: { } started, FinishedAt: { } finished } ? Math.Round((finished - started).TotalSeconds, 3) : 0;

    /// <summary>Its place among those that wait, where 0 is next.</summary>
    private static long PositionOf(JobDocument job) => Math.Max(0, (job.Position ?? 1) - 1);

    private JsonObject Head(JobDocument job, string status, string site)
    {
        string model = FalNote.Read(job.Metadata)?.Model ?? $"{table.Owner}/{job.Model}";
        string[] parts = model.Split('/');
        // What follows the app's name is left out, as there
        string app = string.Join('/', parts.Take(Namespaces.Contains(parts[0]) ? 3 : 2));
        string address = $"{site}{FalFace.Queue}/{app}/requests/{job.Id}";
        return new JsonObject
        {
            ["status"] = status,
            ["request_id"] = job.Id.ToString(),
            ["response_url"] = address,
            ["status_url"] = $"{address}/status",
            ["cancel_url"] = $"{address}/cancel",
        };
    }

    private JsonArray LogsOf(JobDocument job, FalNote? note)
    {
        string at = (job.FinishedAt ?? time.GetUtcNow()).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var logs = new JsonArray();
        foreach (string line in JobLines.Of(job, note?.Warnings ?? []))
        {
            logs.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["timestamp"] = at,
                        ["level"] = "INFO",
                        ["message"] = line,
                        ["source"] = "USER",
                    }
            );
        }

        return logs;
    }
}

/// <summary>Webhook messages of requests that were made through this face.</summary>
internal sealed class FalWebhook(FalAnswers answers, OutputUrls urls) : IWebhookFormat
{
    public bool Takes(JobRow job) => FalNote.Read(job.Metadata) is not null;

    public async Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken)
    {
        FalOutcome outcome = await answers.OutcomeAsync(urls.Sign(job.ToDocument()), FalNote.Read(job.Metadata)!.Site, cancellationToken);
        bool isOk = outcome.ErrorType is null;
        var body = new JsonObject
        {
            ["request_id"] = job.Id.ToString(),
            ["gateway_request_id"] = job.Id.ToString(),
            ["status"] = isOk ? "OK" : "ERROR",
            ["payload"] = outcome.Body,
        };
        if (!isOk)
        {
            body["error"] = string.Create(CultureInfo.InvariantCulture, $"Invalid status code: {outcome.Status}");
        }

        return body.ToJsonString(WireJson.Options);
    }
}
