using Generation.Contracts;

namespace Generation.Storage.Jobs;

/// <summary>A job that a worker has claimed: it alone may run it, for as long as it renews the lease.</summary>
public sealed record ClaimedJob
{
    public required JobId Id { get; init; }

    public required Guid AccountId { get; init; }

    public required string Model { get; init; }

    public required JobRequest Request { get; init; }

    /// <summary>What is done for it; null where the row has no plan of this version: then the worker plans it.</summary>
    public JobPlan? Plan { get; init; }

    /// <summary>1 for the first.</summary>
    public required int Attempt { get; init; }

    /// <summary>Proof of the lease: every later call names it, and is refused once another worker has claimed the job.</summary>
    public required long LeaseEpoch { get; init; }

    /// <summary>From where to go on, if an earlier worker left something.</summary>
    public JobCheckpoint? Checkpoint { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }
}

/// <summary>What a worker's renewal found.</summary>
public enum LeaseState
{
    /// <summary>Go on.</summary>
    Held,

    /// <summary>Still held, but its owner wants it stopped: <see cref="JobStore.ConfirmCancelAsync"/> at the next step.</summary>
    CancelRequested,

    /// <summary>The job is somebody else's, or over. Stop and write nothing.</summary>
    Lost,
}

/// <summary>Whether a worker's last word on a job was taken.</summary>
public enum FencedOutcome
{
    /// <summary>Written now, or by an earlier try of the same call whose answer was lost.</summary>
    Done,

    /// <summary>Refused: its owner has asked to stop it. <see cref="JobStore.ConfirmCancelAsync"/> ends it.</summary>
    CancelRequested,

    /// <summary>Refused: the lease is no longer this worker's.</summary>
    Lost,
}

/// <summary>What asking to cancel a job did.</summary>
public enum CancelOutcome
{
    /// <summary>There is no such job, or it is another account's.</summary>
    NotFound,

    /// <summary>It was queued and is now cancelled; nothing is charged.</summary>
    Cancelled,

    /// <summary>It runs, and its worker stops it at the next step.</summary>
    Requested,

    /// <summary>It was over before; nothing changed.</summary>
    AlreadyFinal,
}

/// <summary>How asking to cancel ended.</summary>
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
