using Generation.Contracts;
using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

public sealed partial class JobStore
{
    private static readonly RowsStatement<Claim> ClaimSql = new(
        "claim",
        [
            Column<Claim>.Of("id", NpgsqlDbType.Uuid, c => c.Id.Value),
            Column<Claim>.Of("worker", NpgsqlDbType.Text, c => c.WorkerId),
            Column<Claim>.Of("lease", NpgsqlDbType.Interval, c => c.Lease),
        ]
    );

    private static readonly RowsStatement<Completion> CompleteSql = new(
        "complete",
        [
            Column<Completion>.Of("id", NpgsqlDbType.Uuid, c => c.Id.Value),
            Column<Completion>.Of("epoch", NpgsqlDbType.Bigint, c => c.Epoch),
            Column<Completion>.Of("outputs", NpgsqlDbType.Jsonb, c => Json(c.Outputs)),
            Column<Completion>.Of("done", NpgsqlDbType.Numeric, c => c.Part?.Done ?? 1m),
            Column<Completion>.Of("warnings", NpgsqlDbType.Jsonb, c => c.Part is null ? null : Json(c.Part.Warnings)),
        ]
    );

    private static readonly Statement RenewSql = new(
        "renew",
        ("id", NpgsqlDbType.Uuid),
        ("epoch", NpgsqlDbType.Bigint),
        ("lease", NpgsqlDbType.Interval),
        ("checkpoint", NpgsqlDbType.Jsonb)
    );

    private static readonly Statement FailSql = new(
        "fail",
        ("id", NpgsqlDbType.Uuid),
        ("epoch", NpgsqlDbType.Bigint),
        ("error", NpgsqlDbType.Jsonb)
    );

    private static readonly Statement ConfirmCancelSql = new(
        "confirm-cancel",
        ("id", NpgsqlDbType.Uuid),
        ("epoch", NpgsqlDbType.Bigint),
        ("done", NpgsqlDbType.Numeric)
    );

    private static readonly Statement HandBackSql = new(
        "hand-back",
        ("id", NpgsqlDbType.Uuid),
        ("epoch", NpgsqlDbType.Bigint),
        ("checkpoint", NpgsqlDbType.Jsonb)
    );

    private static readonly Statement RetrySql = new(
        "retry",
        ("id", NpgsqlDbType.Uuid),
        ("epoch", NpgsqlDbType.Bigint),
        ("max_attempts", NpgsqlDbType.Integer)
    );

    /// <summary>
    /// queued -> running, for one worker. Null if the job is not queued (any more), so that the message for it was a copy.
    /// </summary>
    public async Task<ClaimedJob?> ClaimAsync(JobId id, string workerId, TimeSpan lease, CancellationToken cancellationToken)
    {
        JobRow? row = await _claims.RunAsync(new Claim(id, workerId, lease), cancellationToken);
        if (row is null)
        {
            return null;
        }

        row = row with { KnownRequest = row.ReadRequest(), KnownPlan = row.ReadPlan() };
        _hotState.Show(row);
        return ClaimOf(row);
    }

    /// <summary>
    /// Finds the claim that a worker's own try may have made whose answer was lost: when <see cref="ClaimAsync"/> never answered, a job
    /// that runs under <paramref name="workerId"/> is the worker's own.
    /// </summary>
    public async Task<ClaimedJob?> FindClaimAsync(JobId id, string workerId, CancellationToken cancellationToken) =>
        await FindAsync(id, null, cancellationToken) is { State: JobState.Running } row && row.WorkerId == workerId ? ClaimOf(row) : null;

    private static ClaimedJob ClaimOf(JobRow row) =>
        new()
        {
            Id = row.Id,
            AccountId = row.AccountId,
            Model = row.Model,
            Request = row.ReadRequest(),
            Plan = row.ReadPlan(),
            Attempt = row.Attempt,
            LeaseEpoch = row.LeaseEpoch,
            Checkpoint = row.Checkpoint,
            CreatedAt = row.CreatedAt,
            StartedAt = row.StartedAt,
        };

    /// <summary>Extends the lease to <paramref name="lease"/> from now, and stores a newer checkpoint if one is given.</summary>
    public async Task<LeaseState> RenewAsync(
        JobId id,
        long epoch,
        TimeSpan lease,
        JobCheckpoint? checkpoint,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlCommand command = RenewSql.On(_source, id.Value, epoch, lease, Json(checkpoint));
        return await command.ExecuteScalarAsync(cancellationToken) switch
        {
            false => LeaseState.Held,
            true => LeaseState.CancelRequested,
            _ => LeaseState.Lost,
        };
    }

    /// <summary>
    /// running -> succeeded, with its outputs, and the hold becomes a charge. The call may be repeated: it recognises its own success.
    /// </summary>
    public Task<FencedOutcome> CompleteAsync(JobId id, long epoch, IReadOnlyList<JobOutput> outputs, CancellationToken cancellationToken) =>
        CompleteAsync(id, epoch, outputs, part: null, cancellationToken);

    /// <summary>As above; where not all could be made, <paramref name="part"/> says what is charged, and what the owner is told.</summary>
    public async Task<FencedOutcome> CompleteAsync(
        JobId id,
        long epoch,
        IReadOnlyList<JobOutput> outputs,
        PartMade? part,
        CancellationToken cancellationToken
    )
    {
        JobRow? row = await _completions.RunAsync(new Completion(id, epoch, outputs, part), cancellationToken).WaitAsync(cancellationToken);
        if (row is not null)
        {
            row = row with { Outputs = outputs };
            _hotState.Show(row);
        }

        return await AfterEndAsync(row, id, epoch, r => r.State == JobState.Succeeded, cancellationToken);
    }

    /// <summary>running -> failed: it cannot be done, and another attempt would not help. Nothing is charged.</summary>
    public Task<FencedOutcome> FailAsync(JobId id, long epoch, JobError error, CancellationToken cancellationToken) =>
        EndAsync(FailSql.On(_source, id.Value, epoch, Json(error)), id, epoch, row => row.State == JobState.Failed, cancellationToken);

    /// <summary>
    /// running -> queued after a failure that may not happen again; after <paramref name="maxAttempts"/> attempts running -> failed with
    /// <paramref name="error"/>.
    /// </summary>
    public async Task<FencedOutcome> RetryAsync(JobId id, long epoch, int maxAttempts, JobError error, CancellationToken cancellationToken)
    {
        FencedOutcome outcome = await EndAsync(
            RetrySql.On(_source, id.Value, epoch, maxAttempts),
            id,
            epoch,
            row => row.State == JobState.Queued,
            cancellationToken
        );
        if (outcome != FencedOutcome.Lost)
        {
            return outcome;
        }

        return await FailAsync(id, epoch, error, cancellationToken);
    }

    /// <summary>
    /// running -> queued at a worker's shutdown: another worker continues from <paramref name="checkpoint"/>. This does not count as an
    /// attempt.
    /// </summary>
    public Task<FencedOutcome> HandBackAsync(JobId id, long epoch, JobCheckpoint? checkpoint, CancellationToken cancellationToken) =>
        EndAsync(
            HandBackSql.On(_source, id.Value, epoch, Json(checkpoint)),
            id,
            epoch,
            row => row.State == JobState.Queued,
            cancellationToken
        );

    /// <summary>
    /// running -> cancelled: the worker has stopped, after <paramref name="fractionDone"/> (0 to 1) of the work. That fraction of the cost
    /// is charged, rounded down to a millionth of a credit, and the rest released.
    /// </summary>
    public async Task<FencedOutcome> ConfirmCancelAsync(JobId id, long epoch, double fractionDone, CancellationToken cancellationToken)
    {
        decimal done = (decimal)Math.Clamp(double.IsNaN(fractionDone) ? 0 : fractionDone, 0, 1);
        return await EndAsync(
            ConfirmCancelSql.On(_source, id.Value, epoch, done),
            id,
            epoch,
            row => row.State == JobState.Cancelled,
            cancellationToken
        );
    }

    private async Task<FencedOutcome> EndAsync(
        NpgsqlCommand command,
        JobId id,
        long epoch,
        Func<JobRow, bool> isOwnDoing,
        CancellationToken cancellationToken
    ) => await AfterEndAsync(await TransitionAsync(command, cancellationToken), id, epoch, isOwnDoing, cancellationToken);

    private async Task<FencedOutcome> AfterEndAsync(
        JobRow? row,
        JobId id,
        long epoch,
        Func<JobRow, bool> isOwnDoing,
        CancellationToken cancellationToken
    )
    {
        // A slot is free, or a job waits again
        _signal.Raise();
        return row is not null ? FencedOutcome.Done : await WhyRefusedAsync(id, epoch, isOwnDoing, cancellationToken);
    }

    private async Task<IReadOnlyList<JobRow?>> ClaimAllAsync(IReadOnlyList<Claim> claims)
    {
        await using var batch = new JobBatch(_pools.Claims);
        // Of two copies of a message that come at once the first gets the job
        Claim[] first = [.. claims.DistinctBy(c => c.Id)];
        JobId[] ids = [.. first.Select(c => c.Id)];
        if (ids.Length > 1)
        {
            batch.LockJobs(ids.Select(i => i.Value));
        }

        batch.Add(ClaimSql.InBatch(first));
        return await RowsAsync(batch, [.. claims.Select(c => c.Id)]);
    }

    private async Task<IReadOnlyList<JobRow?>> CompleteAllAsync(IReadOnlyList<Completion> completions)
    {
        await using var batch = new JobBatch(_pools.Completions);
        JobId[] ids = [.. completions.Select(c => c.Id)];
        if (ids.Length > 1)
        {
            batch.LockJobs(ids.Select(i => i.Value));
            batch.LockAccountsOfJobs(ids.Select(i => i.Value));
        }

        batch.Add(CompleteSql.InBatch(completions));
        return await RowsAsync(batch, ids);
    }

    private sealed record Claim(JobId Id, string WorkerId, TimeSpan Lease);

    private sealed record Completion(JobId Id, long Epoch, IReadOnlyList<JobOutput> Outputs, PartMade? Part);
}

/// <summary>A job of which some outputs could not be made.</summary>
/// <param name="Done">The share that was made and is charged, from 0 to 1.</param>
/// <param name="Warnings">What its owner is told of the others.</param>
public sealed record PartMade(decimal Done, IReadOnlyList<string> Warnings);
