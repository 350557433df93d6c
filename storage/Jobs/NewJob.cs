using System.Text.Json;
using Generation.Contracts;

namespace Generation.Storage.Jobs;

/// <summary>A checked and priced job, ready to be submitted.</summary>
public sealed record NewJob
{
    public required JobId Id { get; init; }

    public required Guid AccountId { get; init; }

    public required JobRequest Request { get; init; }

    /// <summary>What is held now, and at most charged later.</summary>
    public required Credits Cost { get; init; }

    /// <summary>Order among the account's own jobs: higher goes first.</summary>
    public int Priority { get; init; }

    /// <summary>Not started within this time of being submitted, it expires; null: it waits for ever.</summary>
    public TimeSpan? ExpiresIn { get; init; }

    /// <summary>How long it is expected to run, in seconds; null: nobody knows.</summary>
    public double? ExpectedSeconds { get; init; }

    /// <summary>Refused if the account has so many jobs waiting; null: no limit.</summary>
    public int? MaxQueued { get; init; }

    /// <summary>
    /// Whether and how the caller sends the job's command itself, where a dispatcher would send it at once; null: it does not.
    /// </summary>
    public DirectSend? Send { get; init; }

    /// <summary>What is done for it; null: its worker plans it.</summary>
    public JobPlan? Plan { get; init; }

    public JsonElement? Metadata { get; init; }

    public string? WebhookUrl { get; init; }

    public IReadOnlyList<string>? WebhookEvents { get; init; }

    /// <summary>W3C traceparent of the span that submits it; null: it is not traced.</summary>
    public string? Trace { get; init; }

    /// <summary>The caller's promise that a repeated request is the same request.</summary>
    public IdempotencyClaim? Idempotency { get; init; }
}

/// <summary>An Idempotency-Key with what it stands for.</summary>
/// <param name="Key">As the caller sent it.</param>
/// <param name="Fingerprint">SHA-256 of what was asked; another fingerprint under the same key is an error.</param>
/// <param name="InFlight">For how long the first answer may be in the making.</param>
public sealed record IdempotencyClaim(string Key, byte[] Fingerprint, TimeSpan InFlight);

/// <summary>The caller of a submission sends the command of a job that need not wait in the backlog.</summary>
/// <param name="RunningLimit">Jobs that an account without a limit of its own may have running at one time; null: any.</param>
/// <param name="Begin">
/// Called as soon as the job is committed and marked as sent: sends its command, and must not block. If it does not, or the
/// process dies, a dispatcher sends it as any command that nobody claimed.
/// </param>
public sealed record DirectSend(int? RunningLimit, Action<JobRow> Begin);

/// <summary>How a submission ended.</summary>
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

/// <summary>A submission's end.</summary>
/// <param name="Outcome">Whether it was accepted.</param>
/// <param name="Job">The queued job, when it was.</param>
/// <param name="Balance">The account's balance after, or now when it was refused for it.</param>
/// <param name="IsSent">Whether the job went past the backlog: its <see cref="NewJob.Send"/> was called.</param>
public sealed record SubmitResult(SubmitOutcome Outcome, JobRow? Job, Credits Balance, bool IsSent = false);
