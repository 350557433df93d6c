using System.Text.Json;
using Generation.Api.Dispatch;
using Generation.Api.Limits;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Jobs;

/// <summary>
/// Takes a checked and priced job to its answer: it is written in one transaction, and waited for if the caller asked for that.
/// </summary>
internal sealed class Submission(
    JobStore jobs,
    IdempotencyStore idempotency,
    JobViews views,
    CommandSender sender,
    IOptions<AccountLimits> defaults,
    JobWaiter waiter,
    ApiMetrics metrics,
    ILogger<Submission> logger
)
{
    /// <summary>How long after the end of a wait its answer may take, before a repeated request answers in its place.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The answer to an earlier request with the same key, or null if this is the first.
    /// </summary>
    /// <exception cref="ProblemException">The key stands for another request, or its first answer is in the making.</exception>
    public async Task<JobAnswer?> ReplayAsync(Caller caller, string key, byte[] fingerprint, CancellationToken cancellationToken)
    {
        IdempotencyRecord? record = await idempotency.FindAsync(caller.AccountId, key, cancellationToken);
        if (record is null)
        {
            return null;
        }

        if (!record.Fingerprint.AsSpan().SequenceEqual(fingerprint))
        {
            throw new ProblemException(
                422,
                "idempotency_key_reused",
                $"This Idempotency-Key was used for another request (job {record.JobId}). Take a new key for a new request."
            );
        }

        if (record.IsInFlight)
        {
            throw new ProblemException(
                409,
                "idempotency_in_flight",
                $"The first request with this Idempotency-Key is still being answered (job {record.JobId}). Try again in a moment."
            )
            {
                RetryAfterSeconds = 1,
            };
        }

        if (record is { Status: { } status, Body: { } body })
        {
            return new JobAnswer(record.JobId, status, body, replayed: true);
        }

        // The process that was to answer is gone: the job as it is now becomes the first answer
        JobRow row = await jobs.FindAsync(record.JobId, caller.AccountId, cancellationToken)
            ?? throw new ProblemException(410, "job_gone", $"Job {record.JobId} of this Idempotency-Key has been deleted.");
        return await AnswerAsync(caller, row, key, replayed: true, cancellationToken);
    }

    /// <summary>Submits a job, and answers with its document.</summary>
    /// <exception cref="ProblemException">The account has not enough credits, or too many jobs that wait.</exception>
    public async Task<JobAnswer> SubmitAsync(
        Caller caller,
        NewJob job,
        Preferences preferences,
        byte[]? fingerprint,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        if (preferences.IdempotencyKey is { } key)
        {
            job = job with { Idempotency = new IdempotencyClaim(key, fingerprint!, (preferences.Wait ?? TimeSpan.Zero) + AnswerTime) };
        }

        if (sender.IsOpen(job.Request.Model))
        {
            job = job with { Send = new DirectSend(defaults.Value.RunningJobs, row => sender.Start(row, job.Trace)) };
        }

        SubmitResult result = await jobs.SubmitAsync(job, cancellationToken);
        switch (result.Outcome)
        {
            case SubmitOutcome.InsufficientCredits:
                metrics.Refused("insufficient_credits");
                throw new ProblemException(
                    402,
                    "insufficient_credits",
                    $"This job costs {job.Cost} credits, and the account has {result.Balance} to spend."
                );
            case SubmitOutcome.TooManyQueued:
                metrics.Refused("limit_exceeded");
                throw new ProblemException(
                    AccountLimits.Exceeded(
                        "queued_jobs",
                        $"Your account's limit 'queued_jobs' is {job.MaxQueued}, and as many wait. Submit again when some have begun."
                    )
                )
                {
                    RetryAfterSeconds = 5,
                };
            case SubmitOutcome.IdempotencyKeyUsed:
                // Another request with it came between our look and our insert
                return await ReplayAsync(caller, preferences.IdempotencyKey!, fingerprint!, cancellationToken)
                    ?? throw new ProblemException(
                        409,
                        "idempotency_in_flight",
                        "A request with this Idempotency-Key has just ended. Try again."
                    );
        }

        metrics.Submitted(job.Request.Model, job.Request.Kind);
        ApiLog.Submitted(logger, job.Id, job.Request.Kind, job.Request.Model, job.Cost.Value);
        JobRow row = result.Job!;
        if (preferences.Wait is { } wait)
        {
            share.Release();
            await waiter.WaitForEndAsync(row.Id, caller.AccountId, wait, cancellationToken);
            row = await jobs.FindAsync(row.Id, caller.AccountId, cancellationToken) ?? row;
        }

        // The job is there, even if its client is not: whoever asks for it must learn its id, to cancel it or to give it to a repeated call
        return await AnswerAsync(caller, row, preferences.IdempotencyKey, replayed: false, CancellationToken.None);
    }

    private async Task<JobAnswer> AnswerAsync(Caller caller, JobRow row, string? key, bool replayed, CancellationToken cancellationToken)
    {
        JobDocument document = await views.NewDocumentAsync(row, cancellationToken);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(document, WireJson.Options);
        int status = row.State.IsFinal() ? StatusCodes.Status200OK : StatusCodes.Status202Accepted;
        if (
            key is not null
            && !await idempotency.AnswerAsync(caller.AccountId, key, status, body, cancellationToken)
            && await idempotency.FindAsync(caller.AccountId, key, cancellationToken) is { Status: { } first, Body: { } firstBody }
        )
        {
            return new JobAnswer(row.Id, first, firstBody, replayed: true);
        }

        return new JobAnswer(row.Id, status, body, replayed);
    }
}

/// <summary>A submission's answer: the job's document, byte for byte as it was first given.</summary>
internal sealed class JobAnswer(JobId id, int status, byte[] body, bool replayed) : IResult
{
    public JobId Id => id;

    /// <summary>Whether an earlier request with the same Idempotency-Key was answered so.</summary>
    public bool IsReplayed => replayed;

    /// <summary>The job as the answer shows it.</summary>
    public JobDocument Document => JsonSerializer.Deserialize<JobDocument>(body, WireJson.Options)!;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        HttpResponse response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        response.Headers.Location = $"/v1/jobs/{id}";
        response.Headers.CacheControl = "no-store";
        if (httpContext.Request.Headers.ContainsKey("Prefer"))
        {
            response.Headers["Preference-Applied"] = "wait";
        }

        if (replayed)
        {
            response.Headers["Idempotent-Replayed"] = "true";
        }

        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }
}
