using System.Text.Json.Nodes;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;
using Generation.Storage.Results;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>Jobs as this service's answers and webhooks show them.</summary>
internal sealed class ModelsLabAnswers(OutputUrls urls, JobViews views, ObjectNumbers numbers, IResultsStore results)
{
    private const string Tip = "Ask for fetch_result until its status is success; a webhook in the request spares the asking.";

    /// <summary>{status: "success", message}</summary>
    public static JsonObject Done(string message) =>
        new()
        {
            ["status"] = "success",
            ["message"] = message,
            ["messege"] = message,
        };

    /// <summary>What a submission is answered with: the pictures, or when and where to ask for them.</summary>
    public async Task<JsonObject> SubmittedAsync(
        JobRow job,
        ModelsLabNote note,
        ModelsLabDialect dialect,
        CancellationToken cancellationToken
    ) =>
        job.State switch
        {
            JobState.Succeeded => await SuccessAsync(job, note, dialect, cancellationToken),
            JobState.Queued or JobState.Running => await ProcessingAsync(job, note, dialect, cancellationToken),
            _ => Failed(job),
        };

    /// <summary>What fetch is answered with.</summary>
    public async Task<JsonObject> FetchedAsync(
        JobRow job,
        ModelsLabNote note,
        ModelsLabDialect dialect,
        CancellationToken cancellationToken
    )
    {
        switch (job.State)
        {
            case JobState.Succeeded:
                return await SuccessAsync(job, note, dialect, cancellationToken);
            case JobState.Queued or JobState.Running:
                var answer = new JsonObject { ["status"] = "processing", ["id"] = await numbers.OfAsync(job.Id.Value, cancellationToken) };
                string message = job.State == JobState.Queued ? "Your request waits in the queue." : "Your request is being processed.";
                answer["message"] = message;
                answer["messege"] = message;
                // A list for typed clients of the old versions; the new ones are told an empty string
                answer["output"] = dialect.IsLegacy ? new JsonArray() : "";
                answer["tip"] = Tip;
                answer["eta"] = await EtaAsync(job, cancellationToken);
                return answer;
            default:
                return Failed(job);
        }
    }

    /// <summary>A webhook's message.</summary>
    public async Task<JsonObject> WebhookAsync(JobRow job, ModelsLabNote note, CancellationToken cancellationToken)
    {
        JsonObject message =
            job.State == JobState.Succeeded
                ? await SuccessAsync(job, note, new ModelsLabDialect(note.Version, note.Group, note.Operation, null), cancellationToken)
                : new JsonObject
                {
                    ["status"] = "failed",
                    ["id"] = await numbers.OfAsync(job.Id.Value, cancellationToken),
                    ["message"] = WhyFailed(job),
                };
        message["track_id"] = note.TrackId;
        return message;
    }

    private static JsonObject Failed(JobRow job) =>
        new()
        {
            ["status"] = "failed",
            ["id"] = "",
            ["message"] = "Failed, Try Again",
            ["messege"] = "Failed, Try Again",
            ["output"] = "",
            ["tip"] = WhyFailed(job),
        };

    private static string WhyFailed(JobRow job) =>
        job.State switch
        {
            JobState.Cancelled => "The request was cancelled.",
            JobState.Expired => "No worker began the request in time.",
            _ => job.Error?.Detail ?? "The request failed.",
        };

    private async Task<JsonObject> SuccessAsync(
        JobRow job,
        ModelsLabNote note,
        ModelsLabDialect dialect,
        CancellationToken cancellationToken
    )
    {
        string[] output = await OutputsAsync(job, note, cancellationToken);
        double seconds = job is { StartedAt: { } start, FinishedAt: { } end } ? Math.Round((end - start).TotalSeconds, 3) : 0;
        return new JsonObject
        {
            ["status"] = "success",
            ["tip"] = job.OutputsDeletedAt is null ? "" : "The outputs have been deleted.",
            ["generationTime"] = seconds,
            ["id"] = await numbers.OfAsync(job.Id.Value, cancellationToken),
            ["output"] = IsOneOutput(dialect, note) ? output.FirstOrDefault() ?? "" : Array(output),
            ["proxy_links"] = Array(output),
            ["nsfw_content_detected"] = job.Outputs.Any(o => o.Nsfw == true),
            ["webhook_status"] = note.Webhook ? "sent" : "",
            ["meta"] = ModelsLabMeta.Of(job.ReadRequest(), note, dialect),
        };
    }

    private async Task<JsonObject> ProcessingAsync(
        JobRow job,
        ModelsLabNote note,
        ModelsLabDialect dialect,
        CancellationToken cancellationToken
    )
    {
        long number = await numbers.OfAsync(job.Id.Value, cancellationToken);
        double eta = await EtaAsync(job, cancellationToken);
        JobRequest request = job.ReadRequest();
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(urls.ExpiryNow);
        int count = request is PictureRequest picture ? picture.NumImages : 1;
        string[] future = [.. Enumerable.Range(0, count).Select(i => note.Base + urls.PathOf(job.Id, i, expiresAt))];
        string message = $"Your request is being processed; its result is expected in {eta} s.";
        return new JsonObject
        {
            ["status"] = "processing",
            ["tip"] = Tip,
            ["tip_1"] = "The addresses in future_links answer once the result is there.",
            ["eta"] = eta,
            ["message"] = message,
            ["messege"] = message,
            ["webhook_status"] = note.Webhook ? "scheduled" : "",
            ["fetch_result"] = note.Base + dialect.FetchPath(number),
            ["id"] = number,
            ["output"] = new JsonArray(),
            ["meta"] = ModelsLabMeta.Of(request, note, dialect),
            ["future_links"] = Array(future),
            ["proxy_links"] = Array(future),
        };
    }

    /// <summary>Whole seconds until the result is there, 1 at least.</summary>
    private async Task<double> EtaAsync(JobRow job, CancellationToken cancellationToken)
    {
        JobDocument document = await views.DocumentAsync(job, cancellationToken);
        return Math.Max(1, Math.Ceiling(document.EtaSeconds ?? 1));
    }

    private async Task<string[]> OutputsAsync(JobRow job, ModelsLabNote note, CancellationToken cancellationToken)
    {
        if (!note.Base64)
        {
            return [.. urls.Sign(job.ToDocument()).Outputs.Select(o => o.Url.StartsWith('/') ? note.Base + o.Url : o.Url)];
        }

        var texts = new List<string>();
        foreach (JobOutput output in job.Outputs)
        {
            await using Stream file = await results.OpenAsync(output.Sha256, cancellationToken)
                ?? throw new ProblemException(410, "output_gone", "The result is no longer kept.");
            using var bytes = new MemoryStream((int)output.Bytes);
            await file.CopyToAsync(bytes, cancellationToken);
            texts.Add(Convert.ToBase64String(bytes.GetBuffer(), 0, (int)bytes.Length));
        }

        return [.. texts];
    }

    /// <summary>The old calls that make one picture give it as a string.</summary>
    private static bool IsOneOutput(ModelsLabDialect dialect, ModelsLabNote note) =>
        dialect.IsLegacy && note.Operation is "super_resolution" or "pix2pix" && dialect.IsLegacy;

    private static JsonArray Array(IEnumerable<string> texts) => [.. texts.Select(t => (JsonNode)t)];
}
