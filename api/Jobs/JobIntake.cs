using Generation.Api.Inputs;
using Generation.Api.Kinds;
using Generation.Api.Limits;
using Generation.Api.Models;
using Generation.Api.Pricing;
using Generation.Api.Safety;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Api.Jobs;

/// <summary>
/// The way from a native body to a queued job, for the native calls and for all faces: input pictures are brought in, the
/// request is checked by its kind and model, priced, held against the account's limits, and submitted.
/// </summary>
internal sealed class JobIntake(
    ModelDirectory models,
    InputPictures inputs,
    Prices prices,
    LimitsDirectory limits,
    SafetyDirectory safety,
    RunTimeBoard times,
    PriceBoard board,
    Submission submission,
    TimeProvider time
)
{
    /// <summary>
    /// The answer to an earlier request with the same Idempotency-Key; null if this is the first, or has none. Spares a
    /// repeated request the work of submitting, which looks by itself, too.
    /// </summary>
    /// <exception cref="ProblemException">The key stands for another request, or its first answer is in the making.</exception>
    public async Task<JobAnswer?> ReplayAsync(
        Caller caller,
        Preferences preferences,
        byte[]? fingerprint,
        CancellationToken cancellationToken
    ) =>
        preferences.IdempotencyKey is { } key && fingerprint is not null
            ? await submission.ReplayAsync(caller, key, fingerprint, cancellationToken)
            : null;

    /// <inheritdoc cref="SubmitAsync(Caller, JobBody, Preferences, byte[], FieldErrors, CancellationToken)"/>
    public Task<JobAnswer> SubmitAsync(
        Caller caller,
        JobBody body,
        Preferences preferences,
        byte[]? fingerprint,
        CancellationToken cancellationToken
    ) => SubmitAsync(caller, body, preferences, fingerprint, new FieldErrors(), cancellationToken);

    /// <summary>Submits the job that a body asks for.</summary>
    /// <param name="fingerprint">SHA-256 of what was asked; needed where the preferences have an Idempotency-Key.</param>
    /// <param name="errors">What is wrong already, from reading the body.</param>
    /// <exception cref="ProblemException">It cannot be: fields at fault, a limit, the balance. Nothing was submitted.</exception>
    public Task<JobAnswer> SubmitAsync(
        Caller caller,
        JobBody body,
        Preferences preferences,
        byte[]? fingerprint,
        FieldErrors errors,
        CancellationToken cancellationToken
    ) => SubmitAsync(caller, body, preferences, fingerprint, errors, null, cancellationToken);

    /// <summary>Submits the job that a body asks for.</summary>
    /// <param name="fingerprint">SHA-256 of what was asked; needed where the preferences have an Idempotency-Key.</param>
    /// <param name="errors">What is wrong already, from reading the body.</param>
    /// <param name="price">What it costs, where a tariff of its own holds for the call; null: as configured. May refuse the job.</param>
    /// <exception cref="ProblemException">It cannot be: fields at fault, a limit, the balance. Nothing was submitted.</exception>
    public async Task<JobAnswer> SubmitAsync(
        Caller caller,
        JobBody body,
        Preferences preferences,
        byte[]? fingerprint,
        FieldErrors errors,
        Func<CheckedRequest, Credits>? price,
        CancellationToken cancellationToken
    )
    {
        CheckedRequest request = await CheckAsync(caller, body, errors, cancellationToken);
        double? seconds = await times.ExpectedAsync(request.Model.Name, request.Request.Kind, request.Plan.Work, cancellationToken);
        var job = new NewJob
        {
            Id = JobId.New(time),
            AccountId = caller.AccountId,
            Request = request.Request,
            Cost = price?.Invoke(request)
                ?? prices.Of(request, await board.OfAsync(request.Model.Name, request.Request.Kind, cancellationToken)),
            Trace = Tracing.Current,
            ExpectedSeconds = seconds,
            Priority = body.Priority ?? 0,
            ExpiresIn = RequestChecks.ExpiresIn(body),
            MaxQueued = limits.Of(caller).QueuedJobs,
            Plan = request.Plan,
            Metadata = body.Metadata,
            WebhookUrl = body.WebhookUrl,
            WebhookEvents = body.WebhookEvents,
        };
        return await submission.SubmitAsync(caller, job, preferences, fingerprint, cancellationToken);
    }

    private async Task<CheckedRequest> CheckAsync(Caller caller, JobBody body, FieldErrors errors, CancellationToken cancellationToken)
    {
        Dictionary<string, StoredPicture> pictures = await BringInAsync(caller, body, errors, cancellationToken);
        var checks = new RequestChecks(
            errors,
            await models.ModelsAsync(cancellationToken),
            await models.SchedulersAsync(cancellationToken),
            pictures
        );
        CheckedRequest request = checks.Check(body);
        limits.Of(caller).Check(request.Plan);
        return request with { Request = await safety.ApplyAsync(caller.AccountId, request.Request, cancellationToken) };
    }

    private async Task<Dictionary<string, StoredPicture>> BringInAsync(
        Caller caller,
        JobBody body,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
    {
        var pictures = new Dictionary<string, StoredPicture>(StringComparer.Ordinal);
        // One after the other: each may take the largest size that is allowed in memory
        foreach ((string field, PictureSource? source) in body.Pictures)
        {
            if (source is not null && await inputs.ResolveAsync(field, source, caller.AccountId, errors, cancellationToken) is { } picture)
            {
                pictures[field] = picture;
            }
        }

        return pictures;
    }
}
