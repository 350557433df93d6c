using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Api.Jobs;

/// <summary>
/// GET /v1/jobs/{id}/events: the job's life as server-sent events. queued (with position), started, progress (step,
/// steps, preview) and finished; the data of all but progress is the job's document. An event's id is
/// "revision.step", so that a listener who comes back with Last-Event-ID is told only what is new.
/// </summary>
internal static class JobEvents
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    public static void MapJobEvents(this WebApplication app) =>
        app.MapGet("/v1/jobs/{id}/events", StreamAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Jobs")
            .WithName("getJobEvents")
            .WithSummary(
                "The job's life as server-sent events: queued, started, progress, finished. Last-Event-ID goes on where a lost "
                    + "connection ended."
            )
            .Produces(200, contentType: "text/event-stream")
            .Produces(204)
            .ProducesProblems(401, 403, 404, 503);

    private static async Task StreamAsync(
        string id,
        HttpContext http,
        JobViews views,
        JobWaiter waiter,
        HotState hotState,
        CancellationToken cancellationToken
    )
    {
        JobId jobId = JobsApi.IdOf(id);
        Guid account = http.Caller().AccountId;
        JobView first = await views.FindAsync(jobId, account, cancellationToken) ?? throw JobsApi.NoJob(id);
        var sent = Mark.Parse(http.Request.Headers["Last-Event-ID"]);
        if (first.State.IsFinal() && sent.Revision >= first.Revision)
        {
            // Tells the listener not to come back
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        // Proxies would gather the events
        http.Response.Headers["X-Accel-Buffering"] = "no";
        await http.Response.WriteAsync("retry: 1000\n\n", cancellationToken);
        await http.Response.Body.FlushAsync(cancellationToken);

        var stream = new Stream(http.Response, hotState, jobId, sent);
        long quietSince = Environment.TickCount64;
        await foreach (JobView? view in waiter.WatchAsync(jobId, account, cancellationToken))
        {
            if (view is not null && await stream.TellAsync(view, cancellationToken))
            {
                quietSince = Environment.TickCount64;
            }
            else if (Environment.TickCount64 - quietSince > KeepAlive.TotalMilliseconds)
            {
                await http.Response.WriteAsync(": still there\n\n", cancellationToken);
                quietSince = Environment.TickCount64;
            }

            await http.Response.Body.FlushAsync(cancellationToken);
        }
    }

    /// <summary>The revision and the step up to which a listener knows the job.</summary>
    private sealed record Mark(long Revision, int Step)
    {
        public static Mark Parse(string? text)
        {
            string[] parts = (text ?? "").Split('.');
            return
                parts.Length == 2
                && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long revision)
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int step)
                ? new Mark(revision, step)
                : new Mark(-1, -1);
        }
    }

    private sealed class Stream(HttpResponse response, HotState hotState, JobId id, Mark sent)
    {
        private Mark _sent = sent;
        private long? _position;
        private int _toldAttempt = -1;

        /// <summary>Sends what is new in a view, and returns whether anything was.</summary>
        public async Task<bool> TellAsync(JobView view, CancellationToken cancellationToken)
        {
            JobDocument job = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!;
            bool isNewer = view.Revision > _sent.Revision;
            bool told = false;
            if (job.State == JobState.Queued && (isNewer || job.Position != _position))
            {
                _position = job.Position;
                _toldAttempt = -1;
                told = await SendAsync("queued", new Mark(view.Revision, 0), Text(view), cancellationToken);
            }
            else if (job.State != JobState.Queued && isNewer && job.StartedAt is not null && job.Attempt != _toldAttempt)
            {
                // Also when the job was begun and ended between two looks; the id stays behind what follows
                _toldAttempt = job.Attempt;
                told = await SendAsync(
                    "started",
                    new Mark(job.State.IsFinal() ? view.Revision - 1 : view.Revision, 0),
                    Text(view),
                    cancellationToken
                );
            }

            if (job is { State: JobState.Running, Progress: { } progress } && (isNewer || progress.Step != _sent.Step))
            {
                told = await SendAsync(
                    "progress",
                    new Mark(view.Revision, progress.Step),
                    await ProgressAsync(progress, cancellationToken),
                    cancellationToken
                );
            }

            if (job.State.IsFinal() && isNewer)
            {
                told = await SendAsync("finished", new Mark(view.Revision, 0), Text(view), cancellationToken);
            }

            return told;
        }

        private static string Text(JobView view) => Encoding.UTF8.GetString(view.Json);

        private async Task<string> ProgressAsync(JobProgress progress, CancellationToken cancellationToken)
        {
            var data = new JsonObject
            {
                ["id"] = id.ToString(),
                ["step"] = progress.Step,
                ["steps"] = progress.Steps,
            };
            if (await hotState.PreviewAsync(id, cancellationToken) is { Length: > 0 } preview)
            {
                string type =
                    preview is [0xFF, 0xD8, ..] ? "image/jpeg"
                    : preview is [0x52, 0x49, 0x46, 0x46, ..] ? "image/webp"
                    : "image/png";
                data["preview"] = $"data:{type};base64,{Convert.ToBase64String(preview)}";
            }

            return data.ToJsonString(WireJson.Options);
        }

        private async Task<bool> SendAsync(string name, Mark mark, string data, CancellationToken cancellationToken)
        {
            await response.WriteAsync($"id: {mark.Revision}.{mark.Step}\nevent: {name}\ndata: {data}\n\n", cancellationToken);
            _sent = mark;
            return true;
        }
    }
}
