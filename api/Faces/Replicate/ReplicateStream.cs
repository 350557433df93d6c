using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// GET urls.stream: what a prediction says and makes, as server-sent events: logs, output, error, done. The address is signed, for clients
/// send no key to it.
/// </summary>
internal sealed class ReplicateStream(ReplicateAnswers answers, JobStore jobs, JobWaiter waiter, TimeProvider time)
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    public async Task WriteAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        if (
            ReplicateAnswers.JobOf(id) is not { } job
            || !long.TryParse(http.Request.Query["expires"], NumberStyles.None, CultureInfo.InvariantCulture, out long expires)
            || !answers.IsSigned(job, expires, http.Request.Query["signature"].ToString())
            || await jobs.FindAsync(job, null, cancellationToken) is not { } row
        )
        {
            throw new ProblemException(404, "not_found", "This address is not as it was given out, or is no longer good.");
        }

        HttpResponse response = http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // Proxies would gather the events
        response.Headers["X-Accel-Buffering"] = "no";
        await response.Body.FlushAsync(cancellationToken);
        int told = 0;
        string? last = null;
        int count = 0;
        long quietSince = Environment.TickCount64;
        await foreach (JobView? view in waiter.WatchAsync(job, row.AccountId, cancellationToken))
        {
            if (view is not null)
            {
                JobDocument document = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!;
                await TellAsync(document);
            }
            else if (Environment.TickCount64 - quietSince > KeepAlive.TotalMilliseconds)
            {
                await response.WriteAsync(": still there\n\n", cancellationToken);
                quietSince = Environment.TickCount64;
            }

            await response.Body.FlushAsync(cancellationToken);
        }

        async Task TellAsync(JobDocument document)
        {
            var note = ReplicateNote.Read(document.Metadata);
            IReadOnlyList<string> lines = JobLines.Of(document, note?.Warnings ?? []);
            bool hasProgress = document.Progress is not null;
            for (; told < lines.Count - (hasProgress ? 1 : 0); told++)
            {
                await SendAsync("logs", lines[told]);
            }

            if (hasProgress && lines[^1] != last)
            {
                last = lines[^1];
                await SendAsync("logs", last);
            }

            if (document.State.IsFinal())
            {
                await EndAsync(document, note);
            }
        }

        async Task EndAsync(JobDocument document, ReplicateNote? note)
        {
            IReadOnlyList<string> outputs = ReplicateAnswers.Outputs(document, ReplicateFace.AddressOf(http).Site) ?? [];
            foreach (string output in outputs)
            {
                await SendAsync("output", output);
            }

            bool allFiltered = outputs.Count == 0 && document.Outputs.Count > 0 && document.OutputsDeletedAt is null;
            string status = ReplicateAnswers.StatusOf(document, note, isWaited: false, allFiltered);
            if (ReplicateAnswers.ErrorOf(document, status, allFiltered) is { } error)
            {
                await SendAsync("error", new JsonObject { ["detail"] = error }.ToJsonString());
            }

            await SendAsync(
                "done",
                status switch
                {
                    "canceled" => """{"reason":"canceled"}""",
                    "failed" => """{"reason":"error"}""",
                    _ => "{}",
                }
            );
        }

        async Task SendAsync(string name, string data)
        {
            string text = data.ReplaceLineEndings("\ndata: ");
            await response.WriteAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"event: {name}\nid: {time.GetUtcNow().ToUnixTimeMilliseconds()}:{count++}\ndata: {text}\n\n"
                ),
                cancellationToken
            );
            quietSince = Environment.TickCount64;
        }
    }
}
