using System.Text.Json;
using Generation.Contracts;

namespace Generation.Storage.Jobs;

/// <summary>A checked and priced job, ready to be submitted.</summary>
public sealed record NewJob
{
    public required JobId Id { get; init; }

    public required Guid AccountId { get; init; }

    public required JobRequest Request { get; init; }

    /// <summary>The cost, which is held now and is the most that will be charged.</summary>
    public required Credits Cost { get; init; }

    /// <summary>The order among the account's own jobs: higher numbers run first.</summary>
    public int Priority { get; init; }

    /// <summary>How long after its submission the job expires if it has not started; null for never.</summary>
    public TimeSpan? ExpiresIn { get; init; }

    /// <summary>How long the job is expected to run, in seconds; null where that is not known.</summary>
    public double? ExpectedSeconds { get; init; }

    /// <summary>The number of waiting jobs of the account from which on the submission is refused; null for no limit.</summary>
    public int? MaxQueued { get; init; }

    /// <summary>How the caller sends the job's command itself, where a dispatcher would send it at once; null where it does not.</summary>
    public DirectSend? Send { get; init; }

    /// <summary>The plan of the job; null where its worker is to make it.</summary>
    public JobPlan? Plan { get; init; }

    public JsonElement? Metadata { get; init; }

    public string? WebhookUrl { get; init; }

    public IReadOnlyList<string>? WebhookEvents { get; init; }

    /// <summary>The W3C traceparent of the span that submits the job; null where it is not traced.</summary>
    public string? Trace { get; init; }

    /// <summary>The idempotency key of the request, if it has one.</summary>
    public IdempotencyClaim? Idempotency { get; init; }
}

/// <summary>An Idempotency-Key with the request that it stands for.</summary>
/// <param name="Key">The key, as the caller sent it.</param>
/// <param name="Fingerprint">SHA-256 of the request; another fingerprint under the same key is an error.</param>
/// <param name="InFlight">How long the first request may be in progress.</param>
public sealed record IdempotencyClaim(string Key, byte[] Fingerprint, TimeSpan InFlight);

/// <summary>The caller of a submission sends the command of a job that need not wait in the backlog.</summary>
/// <param name="RunningLimit">
/// How many jobs an account without a limit of its own may have running at one time; null for any number.
/// </param>
/// <param name="Begin">
/// Called as soon as the job is committed and marked as sent: sends its command, and must not block. If it does not, or the process dies, a
/// dispatcher sends it as any command that nobody claimed.
/// </param>
public sealed record DirectSend(int? RunningLimit, Action<JobRow> Begin);

/// <summary>The result of a submission.</summary>
public enum SubmitOutcome
{
    /// <summary>The job is queued and its cost held.</summary>
    Queued,

    /// <summary>The account's balance is below the cost. Nothing was written.</summary>
    InsufficientCredits,

    /// <summary>The account has <see cref="NewJob.MaxQueued"/> jobs waiting already, or is disabled. Nothing was written.</summary>
    TooManyQueued,

    /// <summary>The idempotency key has been used before. Nothing was written.</summary>
    IdempotencyKeyUsed,
}

/// <summary>The result of a submission, with its details.</summary>
/// <param name="Outcome">Whether it was accepted.</param>
/// <param name="Job">The queued job, if it was accepted.</param>
/// <param name="Balance">The account's balance afterwards.</param>
/// <param name="IsSent">Whether the job skipped the backlog: its <see cref="NewJob.Send"/> was called.</param>
public sealed record SubmitResult(SubmitOutcome Outcome, JobRow? Job, Credits Balance, bool IsSent = false);
