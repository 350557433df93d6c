using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

public sealed partial class JobStore
{
    /// <summary>How many lapsed or expired jobs one round handles, so that a round stays short; the next follows at once.</summary>
    private const int RoundSize = 200;

    private static readonly JobError WorkerLost = new(
        "worker_lost",
        "The worker that ran this job was lost, and so were those of every attempt before. Nothing was charged; submit it again."
    );

    private static readonly Statement CancelQueuedSql = new("cancel-queued", ("id", NpgsqlDbType.Uuid), ("account_id", NpgsqlDbType.Uuid));

    private static readonly Statement RequestCancelSql = new(
        "request-cancel",
        ("id", NpgsqlDbType.Uuid),
        ("account_id", NpgsqlDbType.Uuid)
    );

    private static readonly Statement LapsedSql = new("lapsed", ("limit", NpgsqlDbType.Integer));

    private static readonly Statement RescueSql = new("rescue", ("id", NpgsqlDbType.Uuid), ("max_attempts", NpgsqlDbType.Integer));

    private static readonly Statement EndLapsedSql = new(
        "end-lapsed",
        ("id", NpgsqlDbType.Uuid),
        ("max_attempts", NpgsqlDbType.Integer),
        ("error", NpgsqlDbType.Jsonb)
    );

    private static readonly Statement RequeueSql = new("requeue", ("id", NpgsqlDbType.Uuid));

    private static readonly Statement ExpiredSql = new("expired", ("limit", NpgsqlDbType.Integer));

    private static readonly Statement ExpireSql = new("expire", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    private static readonly Statement DeleteOutputsSql = new(
        "delete-outputs",
        ("id", NpgsqlDbType.Uuid),
        ("account_id", NpgsqlDbType.Uuid)
    );

    /// <summary>
    /// queued -> cancelled, at no cost; or asks a running job's worker to stop. With <paramref name="accountId"/> only if the job is that
    /// account's. The call may be repeated.
    /// </summary>
    public async Task<CancelResult> CancelAsync(JobId id, Guid? accountId, CancellationToken cancellationToken)
    {
        // Between the statements a worker may claim the job or hand it back, hence the second round
        for (int round = 0; ; round++)
        {
            if (await TransitionAsync(CancelQueuedSql.On(_source, id.Value, accountId), cancellationToken) is { } cancelled)
            {
                return new CancelResult(CancelOutcome.Cancelled, cancelled);
            }

            if (await TransitionAsync(RequestCancelSql.On(_source, id.Value, accountId), cancellationToken) is { } running)
            {
                FaultPoint.Reach(FaultPoint.Cancelling);
                _hotState.TellWorkerToCancel(id);
                return new CancelResult(CancelOutcome.Requested, running);
            }

            JobRow? row = await FindAsync(id, accountId, cancellationToken);
            if (row is null)
            {
                return new CancelResult(CancelOutcome.NotFound, null);
            }

            if (row.State.IsFinal())
            {
                return new CancelResult(CancelOutcome.AlreadyFinal, row);
            }

            if (row is { State: JobState.Running, CancelRequested: true })
            {
                return new CancelResult(CancelOutcome.Requested, row);
            }

            if (round == 10)
            {
                throw new InvalidOperationException($"Job {id} changed too often while it was being cancelled.");
            }
        }
    }

    /// <summary>
    /// Handles jobs whose lease has lapsed: running -> queued, from their checkpoint; after <paramref name="maxAttempts"/> attempts running
    /// -> failed; running -> cancelled where the owner has cancelled it. Neither of the last two is charged.
    /// </summary>
    public async Task<RescueResult> RescueAsync(int maxAttempts, CancellationToken cancellationToken)
    {
        IReadOnlyList<JobId> lapsed = await IdsAsync(LapsedSql, cancellationToken);
        int requeued = 0;
        int failed = 0;
        int cancelled = 0;
        foreach (JobId id in lapsed)
        {
            if (await TransitionAsync(RescueSql.On(_source, id.Value, maxAttempts), cancellationToken) is not null)
            {
                requeued++;
                continue;
            }

            JobRow? ended = await TransitionAsync(EndLapsedSql.On(_source, id.Value, maxAttempts, Json(WorkerLost)), cancellationToken);
            failed += ended?.State == JobState.Failed ? 1 : 0;
            cancelled += ended?.State == JobState.Cancelled ? 1 : 0;
        }

        if (lapsed.Count > 0)
        {
            _signal.Raise();
        }

        return new RescueResult(requeued, failed, cancelled);
    }

    /// <summary>queued -> expired, for jobs that no worker began in time. Returns how many.</summary>
    public async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        JobId[] late = [.. await IdsAsync(ExpiredSql, cancellationToken)];
        if (late.Length == 0)
        {
            return 0;
        }

        await using var batch = new JobBatch(_source);
        batch.LockJobs(late.Select(i => i.Value));
        batch.LockAccountsOfJobs(late.Select(i => i.Value));
        batch.Add(ExpireSql.InBatch(late.Select(i => i.Value).ToArray()));
        JobRow[] expired = [.. (await RowsAsync(batch, late)).OfType<JobRow>()];
        if (expired.Length > 0)
        {
            FaultPoint.Reach(FaultPoint.Expired);
        }

        foreach (JobRow row in expired)
        {
            _hotState.Show(row);
        }

        return expired.Length;
    }

    /// <summary>
    /// running -> queued, whatever the job's worker does, for operators. Null if the job does not run, or is being cancelled.
    /// </summary>
    public async Task<JobRow?> RequeueAsync(JobId id, CancellationToken cancellationToken)
    {
        JobRow? row = await TransitionAsync(RequeueSql.On(_source, id.Value), cancellationToken);
        _signal.Raise();
        return row;
    }

    /// <summary>
    /// Removes the outputs of a succeeded job of this account; their files are deleted by the next sweep. Returns the changed job, or null
    /// if there is none.
    /// </summary>
    public async Task<JobRow?> DeleteOutputsAsync(JobId id, Guid accountId, CancellationToken cancellationToken) =>
        await TransitionAsync(DeleteOutputsSql.On(_source, id.Value, accountId), cancellationToken)
        ?? await FindAsync(id, accountId, cancellationToken);

    private async Task<IReadOnlyList<JobId>> IdsAsync(Statement statement, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = statement.On(_source, RoundSize);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new List<JobId>();
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(new JobId(reader.GetGuid(0)));
        }

        return ids;
    }
}
