using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

public sealed partial class JobStore
{
    /// <summary>How many lapsed or expired jobs one round takes, so that a round stays short; the next follows at once.</summary>
    private const int RoundSize = 200;

    private static readonly JobError WorkerLost = new(
        "worker_lost", "The worker that ran this job was lost, and so were those of every attempt before. Nothing was charged; submit it again.");

    private static readonly string CancelQueuedSql = Settle(
        JobState.Cancelled, set: ", cancel_requested = true", where: "state = 0 AND ($2 IS NULL OR account_id = $2)");

    private static readonly string RequestCancelSql = $"""
        WITH j AS (
            UPDATE jobs SET cancel_requested = true, revision = revision + 1
            WHERE id = $1 AND state = {Running} AND NOT cancel_requested AND ($2 IS NULL OR account_id = $2)
            RETURNING *)
        SELECT {JobRow.Columns} FROM j
        """;

    private const string Lapsed = "lease_until < now()";

    private static readonly string RescueSql = Requeue(", expires_at = NULL", $"{Lapsed} AND attempt < $2");

    private static readonly string TakeAwaySql = Requeue(", expires_at = NULL", "true");

    private static readonly string DeleteOutputsSql = $"""
        WITH j AS (
            UPDATE jobs SET outputs_deleted_at = now(), revision = revision + 1
            WHERE id = $1 AND state = {(int)JobState.Succeeded} AND outputs_deleted_at IS NULL AND account_id = $2
            RETURNING *),
        gone AS (DELETE FROM job_outputs USING j WHERE job_outputs.job_id = j.id)
        SELECT {JobRow.Columns} FROM j
        """;

    private static readonly string FailLapsedSql = Settle(
        JobState.Failed, set: ", error = $3", where: $"state = 1 AND {Lapsed} AND attempt >= $2 AND NOT cancel_requested");

    private static readonly string CancelLapsedSql = Settle(
        JobState.Cancelled, set: "", where: $"state = 1 AND {Lapsed} AND cancel_requested");

    private static readonly string ExpireSql = Settle(
        JobState.Expired, set: "", from: "FROM unnest($1::uuid[]) AS i (job)", where: "id = i.job AND state = 0 AND expires_at < now()");

    /// <summary>
    /// queued -> cancelled, at no cost; or asks a running job's worker to stop. With <paramref name="accountId"/>: only
    /// if the job is that account's. May be repeated.
    /// </summary>
    public async Task<CancelResult> CancelAsync(JobId id, Guid? accountId, CancellationToken cancellationToken)
    {
        // Between the statements a worker may claim the job or hand it back, hence the second round
        for (int round = 0; ; round++)
        {
            if (await TransitionAsync(CancelCommand(CancelQueuedSql), cancellationToken) is { } cancelled)
            {
                return new CancelResult(CancelOutcome.Cancelled, cancelled);
            }

            if (await TransitionAsync(CancelCommand(RequestCancelSql), cancellationToken) is { } running)
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

        NpgsqlCommand CancelCommand(string sql)
        {
            NpgsqlCommand command = Command(sql, id);
            Add(command, accountId, NpgsqlDbType.Uuid);
            return command;
        }
    }

    /// <summary>
    /// Jobs whose lease has lapsed: running -> queued, from their checkpoint; after <paramref name="maxAttempts"/> attempts
    /// running -> failed; running -> cancelled where that was asked for. Neither of the last two is charged.
    /// </summary>
    public async Task<RescueResult> RescueAsync(int maxAttempts, CancellationToken cancellationToken)
    {
        IReadOnlyList<JobId> lapsed = await IdsAsync(
            $"SELECT id FROM jobs WHERE state = {Running} AND {Lapsed} ORDER BY lease_until LIMIT {RoundSize}", cancellationToken);
        int requeued = 0;
        int failed = 0;
        int cancelled = 0;
        foreach (JobId id in lapsed)
        {
            NpgsqlCommand rescue = Command(RescueSql, id);
            Add(rescue, maxAttempts);
            if (await TransitionAsync(rescue, cancellationToken) is not null)
            {
                requeued++;
                continue;
            }

            NpgsqlCommand fail = Command(FailLapsedSql, id);
            Add(fail, maxAttempts);
            AddJson(fail, WorkerLost);
            if (await TransitionAsync(fail, cancellationToken) is not null)
            {
                failed++;
            }
            else if (await TransitionAsync(Command(CancelLapsedSql, id), cancellationToken) is not null)
            {
                cancelled++;
            }
        }

        if (lapsed.Count > 0)
        {
            _signal.Raise();
        }

        return new RescueResult(requeued, failed, cancelled);
    }

    /// <summary>queued -> expired, for jobs that nobody began in time. Returns how many.</summary>
    public async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        JobId[] late = [.. await IdsAsync(
            $"SELECT job_id FROM outbox WHERE expires_at < now() ORDER BY expires_at LIMIT {RoundSize}", cancellationToken)];
        if (late.Length == 0)
        {
            return 0;
        }

        await using var batch = new JobBatch(_source);
        batch.LockJobs(late.Select(i => i.Value));
        batch.LockAccountsOfJobs(late.Select(i => i.Value));
        batch.Add(ExpireSql, JobBatch.Column(NpgsqlDbType.Uuid, late.Select(i => i.Value)));
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

    /// <summary>running -> queued, whatever its worker does: for operators. Null: it does not run, or is being cancelled.</summary>
    public async Task<JobRow?> RequeueAsync(JobId id, CancellationToken cancellationToken)
    {
        JobRow? row = await TransitionAsync(Command(TakeAwaySql, id), cancellationToken);
        _signal.Raise();
        return row;
    }

    /// <summary>
    /// Forgets the outputs of a succeeded job of this account; their files go with the next sweep. Returns the job as
    /// it is then, or null if there is none.
    /// </summary>
    public async Task<JobRow?> DeleteOutputsAsync(JobId id, Guid accountId, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(DeleteOutputsSql, id);
        Add(command, accountId, NpgsqlDbType.Uuid);
        return await TransitionAsync(command, cancellationToken) ?? await FindAsync(id, accountId, cancellationToken);
    }

    private async Task<IReadOnlyList<JobId>> IdsAsync(string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = _source.CreateCommand(sql);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new List<JobId>();
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(new JobId(reader.GetGuid(0)));
        }

        return ids;
    }
}
