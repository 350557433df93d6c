using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Shared;

/// <summary>What the calls of faces share: submitting, waiting, the bytes and addresses of what was made.</summary>
internal sealed class FaceCalls(
    JobIntake intake,
    JobStore jobs,
    JobViews views,
    JobWaiter waiter,
    IdempotencyStore idempotency,
    PendingCalls pending,
    IResultsStore results,
    IHostApplicationLifetime lifetime,
    IOptions<FaceOptions> options,
    ILogger<FaceCalls> logger
)
{
    /// <summary>Begins a blocking call. Dispose it when the answer is written, or will not be.</summary>
    public async Task<FaceCall> BeginAsync(HttpContext http, FaceBody body, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        byte[] fingerprint = body.Fingerprint(http.Request);
        string request = RequestOf(caller, fingerprint);
        string? key = Preferences.Of(http.Request).IdempotencyKey;
        string? earlier =
            key is null && options.Value.RetrySeconds > 0
                ? await pending.TakeAsync(request, IsRetry(http.Request), cancellationToken)
                : null;
        IReadOnlyDictionary<int, JobId> known = earlier is null
            ? new Dictionary<int, JobId>()
            : await pending.JobsAsync(earlier, cancellationToken);
        return new FaceCall(
            this,
            http,
            caller,
            fingerprint,
            request,
            key,
            earlier ?? Guid.NewGuid().ToString("N"),
            new Dictionary<int, JobId>(known)
        );
    }

    /// <summary>
    /// Submits a job without waiting for it. With an Idempotency-Key a repeated call gives the first one's job;
    /// <paramref name="place"/> tells the jobs of one call apart.
    /// </summary>
    /// <param name="http">The call.</param>
    /// <param name="job">The job's body.</param>
    /// <param name="fingerprint">Of the call's fields; see <see cref="FaceBody.Fingerprint"/>.</param>
    /// <param name="place">Place of the job among those of the call.</param>
    /// <param name="price">The job's price, where the face has a tariff of its own; null: as configured.</param>
    /// <param name="cancellationToken">Ends the submission.</param>
    public async Task<JobId> SubmitAsync(
        HttpContext http,
        JobBody job,
        byte[] fingerprint,
        int place,
        Func<CheckedRequest, Credits>? price,
        CancellationToken cancellationToken
    )
    {
        Caller caller = http.Caller();
        string? key = Preferences.Of(http.Request).IdempotencyKey is { } given ? KeyOf(given, place) : null;
        if (key is not null && await idempotency.FindAsync(caller.AccountId, key, cancellationToken) is { } record)
        {
            return record.Fingerprint.AsSpan().SequenceEqual(fingerprint)
                ? record.JobId
                : throw new ProblemException(
                    422,
                    "idempotency_key_reused",
                    $"This Idempotency-Key was used for another request (job {record.JobId}). Take a new key for a new request."
                );
        }

        JobAnswer answer = await intake.SubmitAsync(
            caller,
            job,
            new Preferences(null, key),
            key is null ? null : fingerprint,
            http.Features.Get<FaceBody>()?.Errors ?? new FieldErrors(),
            BodyBudget.Of(http),
            price,
            cancellationToken
        );
        return answer.Id;
    }

    /// <summary>The job as its owner sees it; null if the account has none of this id.</summary>
    public async Task<JobDocument?> FindAsync(JobId id, Guid account, CancellationToken cancellationToken) =>
        await views.FindAsync(id, account, cancellationToken) is { } view
            ? JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!
            : null;

    /// <summary>The bytes of an output.</summary>
    /// <exception cref="ProblemException">They are no longer kept.</exception>
    public async Task<byte[]> ReadAsync(JobOutputLink output, CancellationToken cancellationToken)
    {
        await using Stream file = await OpenAsync(output, cancellationToken);
        using var bytes = new MemoryStream((int)Math.Min(output.Bytes, 1 << 26));
        await file.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }

    /// <summary>The file of an output.</summary>
    /// <exception cref="ProblemException">It is no longer kept.</exception>
    public async Task<Stream> OpenAsync(JobOutputLink output, CancellationToken cancellationToken) =>
        await results.OpenAsync(output.Sha256, cancellationToken)
        ?? throw new ProblemException(410, "output_gone", $"The file of output {output.Index} is no longer kept.");

    /// <summary>An output's address as a whole, good without a key until its url_expires_at.</summary>
    public string AddressOf(HttpRequest request, JobOutputLink output) =>
        output.Url.StartsWith('/') ? BaseOf(request) + output.Url : output.Url;

    /// <summary>
    /// The address at which clients reach the API, without a slash at its end: Faces:PublicUrl, else as this request did.
    /// </summary>
    public string BaseOf(HttpRequest request) =>
        options.Value.PublicUrl?.TrimEnd('/') ?? $"{request.Scheme}://{request.Host}{request.PathBase}";

    /// <summary>Waits for a job's end.</summary>
    /// <exception cref="ProblemException">The job did not succeed, or was not done in time.</exception>
    internal async Task<JobDocument> EndAsync(FaceCall call, JobId id, TimeSpan? limit, CancellationToken cancellationToken) =>
        await SucceededAsync(call, await EndedAsync(call, id, limit, cancellationToken));

    /// <summary>Waits for a job's end, whichever that is.</summary>
    /// <exception cref="ProblemException">The job was not done in time.</exception>
    internal async Task<JobDocument> EndedAsync(FaceCall call, JobId id, TimeSpan? limit, CancellationToken cancellationToken)
    {
        TimeSpan wait = limit ?? TimeSpan.FromSeconds(options.Value.WaitSeconds);
        if (!await WaitAsync(call, id, wait, cancellationToken))
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                throw new ProblemException(
                    503,
                    "restarting",
                    $"The server is restarting. Job {id} goes on: make the same call again to get it."
                )
                {
                    RetryAfterSeconds = 2,
                };
            }

            await call.CancelAsync();
            throw new ProblemException(
                504,
                "job_timeout",
                $"Job {id} was not done within {wait.TotalSeconds:0} s and has been cancelled; no worker may be free."
            );
        }

        return await FindAsync(id, call.Caller.AccountId, cancellationToken)
            ?? throw new ProblemException(410, "job_gone", $"Job {id} has been deleted.");
    }

    /// <summary>A job that has ended, if it has succeeded and its outputs are there.</summary>
    /// <exception cref="ProblemException">It has not, or they are not; the rest of the call is cancelled.</exception>
    internal async Task<JobDocument> SucceededAsync(FaceCall call, JobDocument job)
    {
        JobId id = job.Id;
        if (job.State != JobState.Succeeded)
        {
            // The rest of the call is of no use
            await call.CancelAsync();
        }

        return job.State switch
        {
            JobState.Succeeded when job.OutputsDeletedAt is not null => throw new ProblemException(
                410,
                "output_gone",
                $"The outputs of job {id} were deleted."
            ),
            JobState.Succeeded => job,
            JobState.Failed when job.Error is { Field: { } field, Code: "invalid_request" or "invalid_image" } error => throw Invalid(
                field,
                error
            ),
            JobState.Failed => throw new ProblemException(
                500,
                job.Error?.Code ?? "job_failed",
                job.Error?.Detail ?? $"Job {id} failed. Nothing was charged."
            ),
            JobState.Expired => throw new ProblemException(503, "job_expired", $"No worker began job {id} in time. Nothing was charged.")
            {
                RetryAfterSeconds = 5,
            },
            _ => throw new ProblemException(409, "job_cancelled", $"Job {id} was cancelled."),
        };
    }

    /// <summary>
    /// Waits for a job's end as long as <paramref name="limit"/>, or until the API stops; returns whether it has ended. All of the call's
    /// jobs are submitted by then: its body is let go of.
    /// </summary>
    internal async Task<bool> WaitAsync(FaceCall call, JobId id, TimeSpan limit, CancellationToken cancellationToken)
    {
        BodyBudget.Of(call.Http).Release();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var told = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        Task telling = call.IsKept ? TellAsync(call, told.Token) : Task.CompletedTask;
        try
        {
            return await waiter.WaitForEndAsync(id, call.Caller.AccountId, limit, stop.Token);
        }
        catch (OperationCanceledException)
            when (lifetime.ApplicationStopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await told.CancelAsync();
            await telling;
        }
    }

    /// <summary>What only the worker could see to be wrong with the request.</summary>
    private static ProblemException Invalid(string field, JobError error)
    {
        string detail = error.Detail.StartsWith(field + ": ", StringComparison.Ordinal) ? error.Detail[(field.Length + 2)..] : error.Detail;
        return new ProblemException(422, error.Code, error.Detail, new Dictionary<string, string[]> { [field] = [detail.TrimEnd('.')] });
    }

    internal Task AddAsync(FaceCall call, int place, JobId id, CancellationToken cancellationToken) =>
        pending.AddAsync(call.Request, call.Id, place, id, Keep, cancellationToken);

    internal Task ForgetAsync(FaceCall call) => pending.RemoveAsync(call.Request, call.Id, CancellationToken.None);

    internal Task LeaveAsync(FaceCall call) => pending.LeaveAsync(call.Id, CancellationToken.None);

    /// <summary>The call ends without an answer: the API stops, or its client has gone.</summary>
    internal async Task AbandonAsync(FaceCall call)
    {
        bool isGone = call.Http.RequestAborted.IsCancellationRequested && !lifetime.ApplicationStopping.IsCancellationRequested;
        if (isGone && options.Value.CancelOnDisconnect && !call.GoesOn)
        {
            await call.CancelAsync();
        }
        else if (call.IsKept)
        {
            await LeaveAsync(call);
        }
    }

    internal async Task CancelAsync(FaceCall call)
    {
        foreach (JobId id in call.Jobs)
        {
            CancelResult result = await jobs.CancelAsync(id, call.Caller.AccountId, CancellationToken.None);
            ApiLog.Cancelled(logger, id, result.Outcome.ToString());
        }

        await ForgetAsync(call);
    }

    private TimeSpan Keep => TimeSpan.FromSeconds(Math.Max(1, options.Value.RetrySeconds));

    private static string KeyOf(string key, int place) => place == 0 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}#{place}");

    /// <summary>Whether the client says that it has made this call before: OpenAI's libraries count their attempts.</summary>
    private static bool IsRetry(HttpRequest request) =>
        int.TryParse(request.Headers["x-stainless-retry-count"], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        && count > 0;

    private static string RequestOf(Caller caller, byte[] fingerprint) =>
        Convert.ToHexStringLower(SHA256.HashData([.. Encoding.ASCII.GetBytes(caller.AccountId.ToString("N")), .. fingerprint]));

    private async Task TellAsync(FaceCall call, CancellationToken cancellationToken)
    {
        try
        {
            using var timer = new PeriodicTimer(PendingCalls.TellInterval);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await pending.TellAsync(call.Id, Keep, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The wait is over
        }
    }
}
