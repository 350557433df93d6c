using System.Text.Json;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Jobs;

/// <summary>/v1/jobs: look at jobs, stop them, fetch what they made.</summary>
internal static class JobsApi
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    public static void AddJobs(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<JobIntake>();
        builder.Services.AddSingleton<Submission>();
        builder.Services.AddSingleton<JobViews>();
        builder.Services.AddSingleton<JobWaiter>();
        builder.Services.AddSingleton<OutputUrls>();
        builder.Services.AddSingleton<OpenAnswers>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<OpenAnswers>());
        builder
            .Services.AddAuthorizationBuilder()
            .AddPolicy(OutputUrls.Policy, policy =>
                policy.RequireAssertion(context =>
                    context.Resource is HttpContext http
                    && (http.Features.Get<Caller>()?.May(Scopes.Read) == true || OutputUrls.IsSigned(http))
                )
            );
    }

    public static void MapJobs(this WebApplication app)
    {
        RouteGroupBuilder jobs = app.MapGroup("/v1/jobs").WithTags("Jobs");
        jobs.MapGet("/{id}", GetAsync)
            .RequireAuthorization(Scopes.Read)
            .WithName("getJob")
            .WithSummary(
                "A job, with progress while it runs, position and estimate while it waits. ETag and 304 while nothing changed. With "
                    + "'Accept: image/*': its first output."
            )
            .Produces<JobDocument>()
            .Produces(304)
            .ProducesProblems(401, 403, 404, 503);
        jobs.MapGet("/", ListAsync)
            .RequireAuthorization(Scopes.Read)
            .WithName("listJobs")
            .WithSummary(
                "Your jobs, the newest first. Filters: state, kind, model, created_after, created_before, prompt; order asc or desc; "
                    + "limit 1 to 100; cursor."
            )
            .Produces<Page<JobDocument>>()
            .ProducesProblems(401, 403, 422, 503);
        jobs.MapDelete("/{id}", DeleteAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithName("deleteJob")
            .WithSummary(
                "Stops a job, as POST .../cancel does; with purge=true, deletes a job that is over with all that it left but its lines "
                    + "in the "
                    + "ledger"
            )
            .Produces<JobDocument>()
            .Produces<JobDocument>(202)
            .Produces(204)
            .ProducesProblems(401, 403, 404, 409, 503);
        jobs.MapPost("/{id}/cancel", CancelAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithName("cancelJob")
            .WithSummary(
                "Stops a job: a waiting one at no cost, a running one at its next step, charged for the steps done. A job that is over "
                    + "stays as it is."
            )
            .Produces<JobDocument>()
            .Produces<JobDocument>(202)
            .ProducesProblems(401, 403, 404, 503);
        jobs.MapDelete("/{id}/outputs", DeleteOutputsAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithName("deleteOutputs")
            .WithSummary("Deletes what a succeeded job made; the job stays")
            .Produces<JobDocument>()
            .ProducesProblems(401, 403, 404, 409, 503);
        jobs.MapGet("/{id}/outputs/{index:int}/thumbnail", ThumbnailAsync)
            .RequireAuthorization(OutputUrls.Policy)
            .WithName("getThumbnail")
            .WithSummary("A small JPEG of an output, of at most 256 pixels a side; of a clip, of its middle")
            .Produces(200, contentType: "image/jpeg")
            .Produces(304)
            .ProducesProblems(401, 403, 404, 409, 410, 503);
        jobs.MapGet("/{id}/outputs/{index:int}", OutputAsync)
            .RequireAuthorization(OutputUrls.Policy)
            .WithName("getOutput")
            .WithSummary(
                "The bytes of an output, with a key or by the url of the job's document, which needs none until it expires. "
                    + "download=true names it as a file to save."
            )
            .Produces(200, contentType: "image/png")
            .Produces(206)
            .Produces(304)
            .ProducesProblems(401, 403, 404, 409, 410, 503);
    }

    private static async Task<IResult> GetAsync(
        string id,
        HttpContext http,
        JobViews views,
        OutputUrls urls,
        IResultsStore results,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    )
    {
        http.Response.Headers.Vary = "Accept";
        if (http.Request.Headers.Accept.ToString().StartsWith("image/", StringComparison.OrdinalIgnoreCase))
        {
            return await OutputAsync(id, 0, null, http, views, urls, results, logger, cancellationToken);
        }

        JobId jobId = IdOf(id);
        JobView view = await views.FindAsync(jobId, http.Caller().AccountId, cancellationToken) ?? throw NoJob(id);
        return new JobViewAnswer(view);
    }

    /// <summary>Answers a poll, with 304 where the caller has the latest view.</summary>
    internal static Task AnswerAsync(HttpContext http, JobView view)
    {
        HttpResponse response = http.Response;
        response.Headers.Vary = "Accept";
        response.Headers.ETag = view.ETag;
        response.Headers.CacheControl = "private, no-cache";
        if (http.Request.Headers.IfNoneMatch.ToString() is { Length: > 0 } known && Matches(known, view.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = view.Json.Length;
        return response.BodyWriter.WriteAsync(view.Json, http.RequestAborted).AsTask();
    }

    private static async Task<IResult> ListAsync(HttpContext http, JobQueries queries, JobViews views, CancellationToken cancellationToken)
    {
        var query = new QueryReader(
            http.Request.Query,
            ["state", "kind", "model", "created_after", "created_before", "prompt", "order", "limit", "cursor"]
        );
        int limit = query.Integer("limit", DefaultLimit, 1, MaxLimit);
        var filter = new JobFilter
        {
            AccountId = http.Caller().AccountId,
            State = query.Enum<JobState>("state"),
            Kind = query.Enum<JobKind>("kind"),
            Model = query.Text("model"),
            CreatedAfter = query.Time("created_after"),
            CreatedBefore = query.Time("created_before"),
            Words = query.Text("prompt"),
            Descending = query.Choice("order", "desc", "asc") == "desc",
            After = query.Text("cursor") is { } cursor ? query.JobCursor(cursor) : null,
            // One more than is shown tells whether there is a next page
            Limit = limit + 1,
        };
        query.Finish();

        IReadOnlyList<JobRow> rows = await queries.ListAsync(filter, cancellationToken);
        var documents = new List<JobDocument>(rows.Count);
        foreach (JobRow row in rows.Take(limit))
        {
            documents.Add(await views.DocumentAsync(row, cancellationToken));
        }

        string? next = rows.Count > limit ? QueryReader.CursorOf(rows[limit - 1].Id) : null;
        return Results.Json(new Page<JobDocument>(documents, next), WireJson.Options);
    }

    private static Task<IResult> DeleteAsync(
        string id,
        bool? purge,
        HttpContext http,
        JobStore jobs,
        JobRetentionStore retention,
        JobViews views,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    ) =>
        purge == true
            ? PurgeAsync(IdOf(id), http.Caller().AccountId, jobs, retention, cancellationToken)
            : CancelAsync(id, http, jobs, views, logger, cancellationToken);

    /// <summary>Deletes a job that is over. It must belong to this account; null means any account.</summary>
    internal static async Task<IResult> PurgeAsync(
        JobId id,
        Guid? accountId,
        JobStore jobs,
        JobRetentionStore retention,
        CancellationToken cancellationToken
    )
    {
        if (await retention.DeleteAsync(id, accountId, cancellationToken))
        {
            return Results.NoContent();
        }

        JobRow open = await jobs.FindAsync(id, accountId, cancellationToken) ?? throw NoJob(id.ToString());
        throw new ProblemException(
            409,
            "job_not_finished",
            $"Job {id} is {StateOf(open.ToDocument())}; stop it first, or wait for its end: only a job that is over can be deleted."
        );
    }

    private static async Task<IResult> CancelAsync(
        string id,
        HttpContext http,
        JobStore jobs,
        JobViews views,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    )
    {
        JobId jobId = IdOf(id);
        CancelResult result = await jobs.CancelAsync(jobId, http.Caller().AccountId, cancellationToken);
        if (result.Job is null)
        {
            throw NoJob(id);
        }

        ApiLog.Cancelled(logger, jobId, result.Outcome.ToString());
        JobDocument document = await views.DocumentAsync(result.Job, cancellationToken);
        return Results.Json(document, WireJson.Options, statusCode: result.Outcome == CancelOutcome.Requested ? 202 : 200);
    }

    private static async Task<IResult> DeleteOutputsAsync(
        string id,
        HttpContext http,
        JobStore jobs,
        JobViews views,
        CancellationToken cancellationToken
    )
    {
        JobRow row = await jobs.DeleteOutputsAsync(IdOf(id), http.Caller().AccountId, cancellationToken) ?? throw NoJob(id);
        return row.State == JobState.Succeeded
            ? Results.Json(await views.DocumentAsync(row, cancellationToken), WireJson.Options)
            : throw new ProblemException(409, "job_not_succeeded", $"Job {id} is {StateOf(row.ToDocument())} and has no outputs.");
    }

    private static async Task<IResult> OutputAsync(
        string id,
        int index,
        bool? download,
        HttpContext http,
        JobViews views,
        OutputUrls urls,
        IResultsStore results,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    )
    {
        (JobDocument job, JobOutputLink output) = await FindOutputAsync(id, index, http, views, urls, cancellationToken);
        Stream file = await OpenAsync(job, index, output.Sha256, results, logger, cancellationToken);
        http.Response.Headers.ContentDisposition = new ContentDispositionHeaderValue(download == true ? "attachment" : "inline")
        {
            FileName = OutputUrls.FileNameOf(job, output),
        }.ToString();
        return FileAnswer(http, file, output.ContentType, job, output.Sha256);
    }

    private static async Task<IResult> ThumbnailAsync(
        string id,
        int index,
        HttpContext http,
        JobViews views,
        OutputUrls urls,
        IResultsStore results,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    )
    {
        (JobDocument job, JobOutputLink output) = await FindOutputAsync(id, index, http, views, urls, cancellationToken);
        string sha256 = output.ThumbnailSha256
            ?? throw new ProblemException(
                404,
                "thumbnail_not_found",
                $"There is no thumbnail of output {index} of job {job.Id}; fetch the output itself."
            );
        return FileAnswer(http, await OpenAsync(job, index, sha256, results, logger, cancellationToken), "image/jpeg", job, sha256);
    }

    private static async Task<(JobDocument Job, JobOutputLink Output)> FindOutputAsync(
        string id,
        int index,
        HttpContext http,
        JobViews views,
        OutputUrls urls,
        CancellationToken cancellationToken
    )
    {
        JobId jobId = IdOf(id);
        Guid? account = urls.Check(http, jobId, index) ? null : http.Caller().AccountId;
        JobView view = await views.FindAsync(jobId, account, cancellationToken) ?? throw NoJob(id);
        JobDocument job = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!;
        if (!job.State.IsFinal())
        {
            throw new ProblemException(409, "job_not_finished", $"Job {jobId} is {StateOf(job)}; its outputs come when it has succeeded.");
        }

        if (job.OutputsDeletedAt is { } deletedAt)
        {
            throw new ProblemException(410, "output_gone", $"The outputs of job {jobId} were deleted at {deletedAt:u}.");
        }

        return (
            job,
            job.Outputs.FirstOrDefault(o => o.Index == index)
                ?? throw new ProblemException(
                    404,
                    "output_not_found",
                    $"Job {jobId} is {StateOf(job)} and has {job.Outputs.Count} outputs, counted from 0; there is no output {index}."
                )
        );
    }

    private static async Task<Stream> OpenAsync(
        JobDocument job,
        int index,
        string sha256,
        IResultsStore results,
        ILogger<JobStore> logger,
        CancellationToken cancellationToken
    )
    {
        if (await results.OpenAsync(sha256, cancellationToken) is { } file)
        {
            return file;
        }

        ApiLog.OutputGone(logger, job.Id, index);
        throw new ProblemException(410, "output_gone", $"The file of output {index} of job {job.Id} is no longer kept.");
    }

    private static IResult FileAnswer(HttpContext http, Stream file, string contentType, JobDocument job, string sha256)
    {
        http.RequestServices.GetRequiredService<OpenAnswers>().EndWithOutputs(http, job.Id);
        http.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(
            file,
            contentType,
            lastModified: job.FinishedAt,
            entityTag: new EntityTagHeaderValue($"\"{sha256}\""),
            enableRangeProcessing: true
        );
    }

    internal static JobId IdOf(string id) => JobId.TryParse(id, null, out JobId jobId) ? jobId : throw NoJob(id);

    internal static ProblemException NoJob(string id) => new(404, "job_not_found", $"You have no job '{ErrorText.Shown(id)}'.");

    private static string StateOf(JobDocument job) => JsonSerializer.Serialize(job.State).Trim('"');

    private static bool Matches(string known, string tag) =>
        known == "*" || known.Split(',').Any(k => k.Trim() is var t && (t == tag || t == "W/" + tag));
}

/// <summary>The answer to a poll: a document that is written as it is.</summary>
internal sealed class JobViewAnswer(JobView view) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => JobsApi.AnswerAsync(httpContext, view);
}
