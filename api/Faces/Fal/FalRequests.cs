using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Fal;

/// <summary>Requests: put in the queue, looked at, cancelled, and run while the client waits.</summary>
internal sealed class FalRequests(
    FalTable table,
    FalModels models,
    FalAnswers answers,
    ModelDirectory directory,
    FaceCalls calls,
    OwnPictures own,
    JobStore jobs,
    JobWaiter waiter,
    IOptions<FaceOptions> options
)
{
    private const string Timeout = "x-fal-request-timeout";
    private const string Webhook = "fal_webhook";

    /// <summary>The priority of requests that say that theirs is low.</summary>
    private const int Low = -10;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>POST queue/{model}.</summary>
    public async Task<IResult> SubmitAsync(string path, HttpContext http, CancellationToken cancellationToken)
    {
        (FaceBody body, JobBody native) = await ReadAsync(path, http, cancellationToken);
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobId id = await call.SubmitAsync(0, native, null, cancellationToken);
        // The client need not hear this answer
        call.Answered();
        JobDocument job = await FindAsync(id.ToString(), call.Caller.AccountId, cancellationToken);
        FalFace.SetId(http, id);
        return FalFace.Json(answers.Submitted(job, calls.BaseOf(http.Request)));
    }

    /// <summary>POST run/{model}: answered with what it made.</summary>
    public async Task<IResult> RunAsync(string path, HttpContext http, CancellationToken cancellationToken)
    {
        const string Stream = "/stream";
        bool isStream = path.EndsWith(Stream, StringComparison.Ordinal);
        (FaceBody body, JobBody native) = await ReadAsync(isStream ? path[..^Stream.Length] : path, http, cancellationToken);
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobId id = await call.SubmitAsync(0, native, null, cancellationToken);
        FalFace.SetId(http, id);
        JobDocument job = await call.EndedAsync(id, cancellationToken);
        FalOutcome outcome = await answers.OutcomeAsync(job, calls.BaseOf(http.Request), cancellationToken);
        call.Answered();
        return isStream && outcome.ErrorType is null
            ? Results.Text($"data: {outcome.Body.ToJsonString(WireJson.Options)}\n\n", "text/event-stream")
            : Answer(http, job, outcome);
    }

    /// <summary>GET queue/{app}/requests/{id}, .../status and .../status/stream.</summary>
    public async Task<IResult> GetAsync(string path, HttpContext http, CancellationToken cancellationToken)
    {
        string site = calls.BaseOf(http.Request);
        bool withLogs = http.Request.Query["logs"].ToString() is "1" or "true" or "True";
        Guid account = http.Caller().AccountId;
        switch (path.TrimEnd('/').Split('/'))
        {
            case [.., "requests", var id]:
            {
                JobDocument job = await FindAsync(id, account, cancellationToken);
                FalFace.SetId(http, job.Id);
                return job.State.IsFinal()
                    ? Answer(http, job, await answers.OutcomeAsync(job, site, cancellationToken))
                    : FalFace.Json(new JsonObject { ["detail"] = "Request is still in progress" }, 400);
            }

            case [.., "requests", var id, "status"]:
            {
                JobDocument job = await FindAsync(id, account, cancellationToken);
                FalFace.SetId(http, job.Id);
                http.Response.Headers.CacheControl = "private, no-cache";
                return FalFace.Json(answers.Status(job, site, withLogs), FalAnswers.StatusCode(job));
            }

            case [.., "requests", var id, "status", "stream"]:
                await StreamAsync(await FindAsync(id, account, cancellationToken), http, site, withLogs, cancellationToken);
                return Results.Empty;
            default:
                throw new ProblemException(404, "not_found", "Not Found");
        }
    }

    /// <summary>PUT queue/{app}/requests/{id}/cancel.</summary>
    public async Task<IResult> CancelAsync(string path, HttpContext http, CancellationToken cancellationToken)
    {
        if (path.TrimEnd('/').Split('/') is not [.., "requests", var name, "cancel"])
        {
            throw new ProblemException(404, "not_found", "Not Found");
        }

        if (!Guid.TryParse(name, out Guid id))
        {
            return FalFace.Json(new JsonObject { ["status"] = "NOT_FOUND" }, 404);
        }

        var job = new JobId(id);
        FalFace.SetId(http, job);
        CancelResult result = await jobs.CancelAsync(job, http.Caller().AccountId, cancellationToken);
        return result switch
        {
            { Job: null } => FalFace.Json(new JsonObject { ["status"] = "NOT_FOUND" }, 404),
            { Outcome: CancelOutcome.Cancelled or CancelOutcome.Requested } => FalFace.Json(
                new JsonObject { ["status"] = "CANCELLATION_REQUESTED" },
                202
            ),
            _ => FalFace.Json(new JsonObject { ["status"] = "ALREADY_COMPLETED" }, 400),
        };
    }

    private async Task<(FaceBody Body, JobBody Native)> ReadAsync(string path, HttpContext http, CancellationToken cancellationToken)
    {
        string name = path.Trim('/');
        MappedModel model = await models.FindAsync(name, cancellationToken);
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        var input = new MappedInput(body, "", table.InputsOf(model), ownDefaults: model.Native.Length > 0);
        http.Features.Set(input);
        // What the service does not know it passes over
        input.Check(_ => true, ignored: field => field.StartsWith("fal_", StringComparison.Ordinal));
        JobBody native = new MappedBodies(
            input,
            model,
            table.Sizes.GetValueOrDefault(model.Sizes) ?? [],
            table.Schedulers,
            "black",
            await directory.ModelsAsync(cancellationToken),
            await directory.SchedulersAsync(cancellationToken)
        ).Read();
        await own.ResolveAsync(native, http.Caller().AccountId, cancellationToken);
        int? timeout = TimeoutOf(http.Request);
        native.ExpiresIn = timeout;
        native.Priority = http.Request.Headers["x-fal-queue-priority"].ToString() == "low" ? Low : null;
        native.WebhookUrl = http.Request.Query[Webhook].ToString() is { Length: > 0 } webhook ? webhook : null;
        native.Metadata = new FalNote
        {
            Site = calls.BaseOf(http.Request),
            Model = name,
            Sync = input.Flag(InputMeaning.Sync) == true,
            HasTimeout = timeout is not null,
            Warnings = [.. input.Warnings],
        }.Write();
        return (body, native);
    }

    /// <summary>How long the client lets its request wait for a start, in seconds.</summary>
    private static int? TimeoutOf(HttpRequest request)
    {
        const double Most = 7 * 24 * 3600;
        string header = request.Headers[Timeout].ToString();
        if (header.Length == 0)
        {
            return null;
        }

        return double.TryParse(header, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is > 1 and <= Most
            ? (int)Math.Ceiling(seconds)
            : throw new ProblemException(
                422,
                "invalid_header",
                $"{Timeout} must be more than 1 and at most {Most} seconds, and is '{ErrorText.Shown(header)}'.",
                new Dictionary<string, string[]> { [Timeout] = [$"must be more than 1 and at most {Most} seconds"] }
            );
    }

    private static IResult Answer(HttpContext http, JobDocument job, FalOutcome outcome)
    {
        if (outcome.ErrorType is { } type)
        {
            http.Response.Headers["X-Fal-Error-Type"] = type;
            // All of it would be the same again
            http.Response.Headers["X-Fal-Retryable"] = "false";
            if (outcome.Status == StatusCodes.Status504GatewayTimeout)
            {
                http.Response.Headers["X-Fal-Request-Timeout-Type"] = "user";
            }
        }
        else
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        FalFace.SetId(http, job.Id);
        return FalFace.Json(outcome.Body, outcome.Status);
    }

    private async Task StreamAsync(JobDocument job, HttpContext http, string site, bool withLogs, CancellationToken cancellationToken)
    {
        FalFace.SetId(http, job.Id);
        HttpResponse response = http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // Proxies would gather the events
        response.Headers["X-Accel-Buffering"] = "no";
        await response.Body.FlushAsync(cancellationToken);
        long quietSince = Environment.TickCount64;
        await foreach (JobView? view in waiter.WatchAsync(job.Id, http.Caller().AccountId, cancellationToken))
        {
            if (view is not null)
            {
                JobDocument now = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!;
                string status = answers.Status(now, site, withLogs).ToJsonString(WireJson.Options);
                await response.WriteAsync($"data: {status}\n\n", cancellationToken);
                quietSince = Environment.TickCount64;
            }
            else if (Environment.TickCount64 - quietSince > KeepAlive.TotalMilliseconds)
            {
                await response.WriteAsync(": ping\n\n", cancellationToken);
                quietSince = Environment.TickCount64;
            }

            await response.Body.FlushAsync(cancellationToken);
        }
    }

    private async Task<JobDocument> FindAsync(string id, Guid account, CancellationToken cancellationToken) =>
        (Guid.TryParse(id, out Guid job) ? await calls.FindAsync(new JobId(job), account, cancellationToken) : null)
        ?? throw new ProblemException(404, "job_not_found", $"Request '{ErrorText.Shown(id)}' not found");
}
