using Generation.Contracts;

namespace Generation.Storage.Jobs;

/// <summary>A job that a worker has claimed. No other worker may run it for as long as the lease is renewed.</summary>
public sealed record ClaimedJob
{
    public required JobId Id { get; init; }

    public required Guid AccountId { get; init; }

    public required string Model { get; init; }

    public required JobRequest Request { get; init; }

    /// <summary>The plan of the job; null where the row has no plan of this version, so that the worker makes one.</summary>
    public JobPlan? Plan { get; init; }

    /// <summary>The number of the attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The epoch of the lease. Every later call names it, and is refused once another worker has claimed the job.</summary>
    public required long LeaseEpoch { get; init; }

    /// <summary>The checkpoint to continue from, if an earlier worker has stored one.</summary>
    public JobCheckpoint? Checkpoint { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }
}

/// <summary>The result of a worker's renewal of its lease.</summary>
public enum LeaseState
{
    /// <summary>The lease is held, and the job may go on.</summary>
    Held,

    /// <summary>
    /// The lease is held, but the job's owner has cancelled it: call <see cref="JobStore.ConfirmCancelAsync"/> at the next step.
    /// </summary>
    CancelRequested,

    /// <summary>The job belongs to another worker, or is over. The worker must stop and write nothing.</summary>
    Lost,
}

/// <summary>Whether a worker's outcome of a job was accepted.</summary>
public enum FencedOutcome
{
    /// <summary>The outcome is written, now or by an earlier try of the same call whose answer was lost.</summary>
    Done,

    /// <summary>Refused, because the job's owner has cancelled it. <see cref="JobStore.ConfirmCancelAsync"/> ends it.</summary>
    CancelRequested,

    /// <summary>Refused, because the lease is no longer this worker's.</summary>
    Lost,
}

/// <summary>The result of asking to cancel a job.</summary>
public enum CancelOutcome
{
    /// <summary>There is no such job, or it is another account's.</summary>
    NotFound,

    /// <summary>The job was queued and is cancelled now; nothing is charged.</summary>
    Cancelled,

    /// <summary>The job runs, and its worker will stop it at the next step.</summary>
    Requested,

    /// <summary>The job was over before; nothing has changed.</summary>
    AlreadyFinal,
}

/// <summary>The result of asking to cancel a job.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Job">The job as it is now, if there is one.</param>
public sealed record CancelResult(CancelOutcome Outcome, JobRow? Job);

/// <summary>What a round of rescue did.</summary>
/// <param name="Requeued">Jobs that wait again, after a worker was lost.</param>
/// <param name="Failed">Jobs that lost their last attempt.</param>
/// <param name="Cancelled">Jobs that were to be stopped and whose worker was lost first.</param>
public sealed record RescueResult(int Requeued, int Failed, int Cancelled)
{
    public int Total => Requeued + Failed + Cancelled;
}
