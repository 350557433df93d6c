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

/// <summary>What a request would cost and how long it would take.</summary>
/// <param name="Cost">What would be held for it.</param>
/// <param name="Model">The model that would do it.</param>
/// <param name="Width">Width of an output, in pixels.</param>
/// <param name="Height">Height of an output, in pixels.</param>
/// <param name="Outputs">How many outputs there would be.</param>
/// <param name="Steps">Steps of each output, over all passes.</param>
/// <param name="Seconds">How long a worker would work at it; absent until that was measured.</param>
/// <param name="Position">Its place among the model's waiting jobs, where 1 is next.</param>
/// <param name="EtaSeconds">When it would be done, with the wait before it; absent while that cannot be told.</param>
/// <param name="WaitingReason">Why it would not start, while no worker can run it.</param>
/// <param name="WaitingNotice">The same for programs: model_paused or no_worker, with the model.</param>
/// <param name="Warnings">What of the request would not be done as it may be meant.</param>
/// <param name="WarningNotices">The same for programs, one for each warning, in their order.</param>
public sealed record EstimateAnswer(
    Credits Cost,
    string Model,
    int Width,
    int Height,
    int Outputs,
    int Steps,
    double? Seconds,
    long Position,
    double? EtaSeconds,
    string? WaitingReason,
    Notice? WaitingNotice,
    IReadOnlyList<string>? Warnings,
    IReadOnlyList<Notice>? WarningNotices
);

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
    RunTimeCache runTimes,
    MeasuredPriceCache measuredPrices,
    LoadCache loads,
    Submission submission,
    TimeProvider time
)
{
    /// <summary>
    /// The answer to an earlier request with the same Idempotency-Key; null if this is the first, or has none. To ask this first
    /// spares a repeated request the work of submitting, which would find the earlier one, too.
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

    /// <summary>Submits the job that a body asks for.</summary>
    /// <param name="caller">Whose job it is.</param>
    /// <param name="body">What is asked for.</param>
    /// <param name="preferences">What the request's headers ask for.</param>
    /// <param name="fingerprint">SHA-256 of what is asked for; needed where the preferences have an Idempotency-Key.</param>
    /// <param name="errors">What was found to be wrong when the body was read; it takes what is found here.</param>
    /// <param name="share">What the call takes of memory for bodies: pictures that are fetched are of it, and no wait is with it.</param>
    /// <param name="price">What the job costs, where the call has a tariff of its own, which may refuse it; null: as configured.</param>
    /// <param name="cancellationToken">Ends the submission.</param>
    /// <exception cref="ProblemException">
    /// The job was not submitted: fields are at fault, a limit of the account binds, or its balance is too small.
    /// </exception>
    public async Task<JobAnswer> SubmitAsync(
        Caller caller,
        JobBody body,
        Preferences preferences,
        byte[]? fingerprint,
        FieldErrors errors,
        BodyShare share,
        Func<CheckedRequest, Credits>? price,
        CancellationToken cancellationToken
    )
    {
        CheckedRequest request = await CheckAsync(caller, body, errors, share, cancellationToken);
        double? seconds = await SecondsOfAsync(request, cancellationToken);
        var job = new NewJob
        {
            Id = JobId.New(time),
            AccountId = caller.AccountId,
            Request = request.Request,
            Cost = price?.Invoke(request) ?? await CostOfAsync(request, cancellationToken),
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
        return await submission.SubmitAsync(caller, job, preferences, fingerprint, share, cancellationToken);
    }

    /// <summary>What the job that a body asks for would cost, and when it would be done, were it submitted now.</summary>
    /// <exception cref="ProblemException">It could not be submitted: fields are at fault, or a limit of the account binds.</exception>
    public async Task<EstimateAnswer> EstimateAsync(
        Caller caller,
        JobBody body,
        FieldErrors errors,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        CheckedRequest request = await CheckAsync(caller, body, errors, share, cancellationToken);
        double? seconds = await SecondsOfAsync(request, cancellationToken);
        ModelLoad load = await loads.OfAsync(request.Model.Name, cancellationToken);
        QueuePlace last = LoadCache.Last(load, seconds);
        SaidNotice? reason = LoadCache.WaitingReason(load);
        return new EstimateAnswer(
            await CostOfAsync(request, cancellationToken),
            request.Model.Name,
            request.Plan.Width,
            request.Plan.Height,
            request.Plan.Outputs,
            request.Plan.Steps,
            seconds,
            last.Position,
            LoadCache.EtaSeconds(load, last),
            reason?.Text,
            reason?.Notice,
            request.Plan.Warnings,
            request.Plan.WarningNotices
        );
    }

    private Task<double?> SecondsOfAsync(CheckedRequest request, CancellationToken cancellationToken) =>
        runTimes.ExpectedAsync(request.Model.Name, request.Request.Kind, request.Plan.Work, cancellationToken);

    private async Task<Credits> CostOfAsync(CheckedRequest request, CancellationToken cancellationToken) =>
        prices.Of(request, await measuredPrices.OfAsync(request.Model.Name, request.Request.Kind, cancellationToken));

    /// <summary>The job that a body asks for, as it would be submitted.</summary>
    /// <exception cref="ProblemException">It could not be submitted: fields are at fault, or a limit of the account binds.</exception>
    public async Task<CheckedRequest> CheckAsync(
        Caller caller,
        JobBody body,
        FieldErrors errors,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        Dictionary<string, StoredPicture> pictures = await BringInAsync(caller, body, errors, share, cancellationToken);
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
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        var pictures = new Dictionary<string, StoredPicture>(StringComparer.Ordinal);
        // One after the other: each may take the largest size that is allowed in memory
        foreach ((string field, PictureSource? source) in body.Pictures)
        {
            if (
                source is not null
                && await inputs.ResolveAsync(field, source, caller.AccountId, errors, share, cancellationToken) is { } picture
            )
            {
                pictures[field] = picture;
            }
        }

        return pictures;
    }
}
