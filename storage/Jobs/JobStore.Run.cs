using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

public sealed partial class JobStore
{
    private const int Queued = (int)JobState.Queued;
    private const int Running = (int)JobState.Running;

    private static readonly string ClaimSql = Claims(many: true);

    private static readonly string ClaimOneSql = Claims(many: false);

    private static string Claims(bool many) => $"""
        WITH j AS (
            UPDATE jobs SET state = {Running}, attempt = attempt + 1, lease_epoch = lease_epoch + 1, lease_until = now() + i.lease,
                worker_id = i.worker, started_at = now(), revision = revision + 1
            FROM {JobBatch.Rows(many, ("job", "uuid"), ("worker", "text"), ("lease", "interval"))}
            WHERE id = i.job AND state = {Queued} AND (expires_at IS NULL OR expires_at > now())
            RETURNING jobs.*),
        box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
        {Hooks("started", "job.started")}
        SELECT {JobRow.Columns} FROM j
        """;

    private static readonly string RenewSql = $"""
        UPDATE jobs SET lease_until = now() + $3, checkpoint = coalesce($4, checkpoint)
        WHERE id = $1 AND state = {Running} AND lease_epoch = $2
        RETURNING cancel_requested
        """;

    private const string OwnLease = "state = 1 AND lease_epoch = $2";

    private static readonly (string Name, string Type)[] CompletionColumns = [("job", "uuid"), ("epoch", "bigint"), ("outputs", "jsonb")];

    private static readonly string CompleteSql = Completions(many: true);

    private static readonly string CompleteOneSql = Completions(many: false);

    private static string Completions(bool many) => Settle(
        JobState.Succeeded,
        set: ", charged = cost, error = NULL",
        from: "FROM " + JobBatch.Rows(many, CompletionColumns),
        where: "id = i.job AND state = 1 AND lease_epoch = i.epoch AND NOT cancel_requested",
        more: $"""
            ,
            files AS (
                INSERT INTO job_outputs (job_id, index, sha256, content_type, bytes, width, height, seed, nsfw, render,
                    frames, fps, duration_seconds, thumbnail)
                SELECT j.id, o.index, o.sha256, o.content_type, o.bytes, o.width, o.height, o.seed, o.nsfw, o.render,
                    o.frames, o.fps, o.duration_seconds, o.thumbnail
                FROM {JobBatch.Rows(many, CompletionColumns)} JOIN j ON j.id = i.job,
                    jsonb_to_recordset(i.outputs) AS o (index integer, sha256 text, content_type text, bytes bigint,
                    width integer, height integer, seed bigint, nsfw boolean, render jsonb, frames integer, fps double precision,
                    duration_seconds double precision, thumbnail text))
            """);

    private static readonly string FailSql = Settle(
        JobState.Failed, set: ", error = $3", where: $"{OwnLease} AND NOT cancel_requested");

    private static readonly string ConfirmCancelSql = Settle(
        JobState.Cancelled, set: ", charged = floor(cost::numeric * $3)::bigint", where: $"{OwnLease} AND cancel_requested");

    /// <summary>running -> queued, with the outbox row in the place that the job's first submission gave it.</summary>
    private static string Requeue(string set, string where) => $"""
        WITH j AS (
            UPDATE jobs SET state = {Queued}, lease_until = NULL, worker_id = NULL, started_at = NULL, revision = revision + 1{set}
            WHERE id = $1 AND state = {Running} AND {where} AND NOT cancel_requested
            RETURNING *),
        box AS (
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, seconds, trace)
            SELECT id, account_id, model, priority, created_at, seconds, trace FROM j)
        SELECT {JobRow.Columns} FROM j
        """;

    // What has once begun does not expire: expires_in limits the time to the start
    private static readonly string HandBackSql = Requeue(
        ", attempt = greatest(attempt - 1, 0), expires_at = NULL, checkpoint = coalesce($3, checkpoint)", "lease_epoch = $2");

    private static readonly string RetrySql = Requeue(", expires_at = NULL, error = NULL", "lease_epoch = $2 AND attempt < $3");

    /// <summary>queued -> running, for one worker. Null: it is not queued (any more); the message that led here was a copy.</summary>
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
    /// The claim that a worker's own lost try may have made: when the answer to <see cref="ClaimAsync"/> never came,
    /// a job that runs under <paramref name="workerId"/> is its own.
    /// </summary>
    public async Task<ClaimedJob?> FindClaimAsync(JobId id, string workerId, CancellationToken cancellationToken) =>
        await FindAsync(id, null, cancellationToken) is { State: JobState.Running } row && row.WorkerId == workerId
            ? ClaimOf(row)
            : null;

    private static ClaimedJob ClaimOf(JobRow row) => new()
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

    /// <summary>Lengthens the lease to <paramref name="lease"/> from now, and keeps a newer checkpoint if one is given.</summary>
    public async Task<LeaseState> RenewAsync(
        JobId id, long epoch, TimeSpan lease, JobCheckpoint? checkpoint, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = Command(RenewSql, id);
        Add(command, epoch);
        Add(command, lease);
        AddJson(command, checkpoint);
        return await command.ExecuteScalarAsync(cancellationToken) switch
        {
            false => LeaseState.Held,
            true => LeaseState.CancelRequested,
            _ => LeaseState.Lost,
        };
    }

    /// <summary>running -> succeeded, with its outputs, and the hold becomes a charge. May be repeated: it recognises its own success.</summary>
    public async Task<FencedOutcome> CompleteAsync(
        JobId id, long epoch, IReadOnlyList<JobOutput> outputs, CancellationToken cancellationToken)
    {
        JobRow? row = await _completions.RunAsync(new Completion(id, epoch, outputs), cancellationToken).WaitAsync(cancellationToken);
        if (row is not null)
        {
            row = row with { Outputs = outputs };
            _hotState.Show(row);
        }

        return await AfterEndAsync(row, id, epoch, r => r.State == JobState.Succeeded, cancellationToken);
    }

    /// <summary>running -> failed: it cannot be done, and another attempt would not help. Nothing is charged.</summary>
    public async Task<FencedOutcome> FailAsync(JobId id, long epoch, JobError error, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(FailSql, id);
        Add(command, epoch);
        AddJson(command, error);
        return await EndAsync(command, id, epoch, row => row.State == JobState.Failed, cancellationToken);
    }

    /// <summary>
    /// running -> queued after a failure that another attempt may not have; after <paramref name="maxAttempts"/>
    /// running -> failed with <paramref name="error"/>.
    /// </summary>
    public async Task<FencedOutcome> RetryAsync(
        JobId id, long epoch, int maxAttempts, JobError error, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(RetrySql, id);
        Add(command, epoch);
        Add(command, maxAttempts);
        FencedOutcome outcome = await EndAsync(command, id, epoch, row => row.State == JobState.Queued, cancellationToken);
        if (outcome != FencedOutcome.Lost)
        {
            return outcome;
        }

        return await FailAsync(id, epoch, error, cancellationToken);
    }

    /// <summary>
    /// running -> queued at a worker's shutdown: another goes on from <paramref name="checkpoint"/>. Costs no attempt.
    /// </summary>
    public async Task<FencedOutcome> HandBackAsync(JobId id, long epoch, JobCheckpoint? checkpoint, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(HandBackSql, id);
        Add(command, epoch);
        AddJson(command, checkpoint);
        return await EndAsync(command, id, epoch, row => row.State == JobState.Queued, cancellationToken);
    }

    /// <summary>
    /// running -> cancelled: the worker has stopped, after <paramref name="fractionDone"/> (0 to 1) of the work. That
    /// fraction of the cost is charged, rounded down to a millionth of a credit, and the rest released.
    /// </summary>
    public async Task<FencedOutcome> ConfirmCancelAsync(JobId id, long epoch, double fractionDone, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(ConfirmCancelSql, id);
        Add(command, epoch);
        Add(command, (decimal)Math.Clamp(double.IsNaN(fractionDone) ? 0 : fractionDone, 0, 1));
        return await EndAsync(command, id, epoch, row => row.State == JobState.Cancelled, cancellationToken);
    }

    private async Task<FencedOutcome> EndAsync(
        NpgsqlCommand command, JobId id, long epoch, Func<JobRow, bool> isOwnDoing, CancellationToken cancellationToken) =>
        await AfterEndAsync(await TransitionAsync(command, cancellationToken), id, epoch, isOwnDoing, cancellationToken);

    private async Task<FencedOutcome> AfterEndAsync(
        JobRow? row, JobId id, long epoch, Func<JobRow, bool> isOwnDoing, CancellationToken cancellationToken)
    {
        // A slot is free, or a job waits again
        _signal.Raise();
        return row is not null ? FencedOutcome.Done : await WhyRefusedAsync(id, epoch, isOwnDoing, cancellationToken);
    }

    private async Task<IReadOnlyList<JobRow?>> ClaimAllAsync(IReadOnlyList<Claim> claims)
    {
        await using var batch = new JobBatch(_lanes.Claims);
        // Of two copies of a message that come at once the first gets the job
        Claim[] first = [.. claims.DistinctBy(c => c.Id)];
        JobId[] ids = [.. first.Select(c => c.Id)];
        if (ids.Length > 1)
        {
            batch.LockJobs(ids.Select(i => i.Value));
        }

        batch.Add(first.Length > 1 ? ClaimSql : ClaimOneSql,
            JobBatch.Column(first, NpgsqlDbType.Uuid, c => c.Id.Value),
            JobBatch.Column(first, NpgsqlDbType.Text, c => c.WorkerId),
            JobBatch.Column(first, NpgsqlDbType.Interval, c => c.Lease));
        return await RowsAsync(batch, [.. claims.Select(c => c.Id)]);
    }

    private async Task<IReadOnlyList<JobRow?>> CompleteAllAsync(IReadOnlyList<Completion> completions)
    {
        await using var batch = new JobBatch(_lanes.Completions);
        JobId[] ids = [.. completions.Select(c => c.Id)];
        if (ids.Length > 1)
        {
            batch.LockJobs(ids.Select(i => i.Value));
            batch.LockAccountsOfJobs(ids.Select(i => i.Value));
        }

        batch.Add(completions.Count > 1 ? CompleteSql : CompleteOneSql,
            JobBatch.Column(completions, NpgsqlDbType.Uuid, c => c.Id.Value),
            JobBatch.Column(completions, NpgsqlDbType.Bigint, c => c.Epoch),
            JobBatch.Column(completions, NpgsqlDbType.Jsonb, c => Json(c.Outputs)));
        return await RowsAsync(batch, ids);
    }

    private sealed record Claim(JobId Id, string WorkerId, TimeSpan Lease);

    private sealed record Completion(JobId Id, long Epoch, IReadOnlyList<JobOutput> Outputs);
}
