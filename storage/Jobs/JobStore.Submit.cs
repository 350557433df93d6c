using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

public sealed partial class JobStore
{
    /// <summary>
    /// Any number of jobs at once. Those of one account are taken in order as long as its balance and its limit allow;
    /// whether what comes after the first refusal fits is for a statement of its own to say. The accounts are locked before.
    /// </summary>
    private static readonly string SubmitSql = $"""
        WITH input AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::text[], $6::jsonb[], $7::jsonb[], $8::integer[],
                $9::interval[], $10::jsonb[], $11::text[], $12::jsonb[], $13::integer[], $14::text[], $15::bytea[], $16::interval[], $17::double precision[], $18::double precision[], $19::text[])
            WITH ORDINALITY AS i (id, account_id, kind, cost, model, request, render, priority,
                expires_in, metadata, webhook_url, webhook_events, max_queued, key, fingerprint, in_flight, work, seconds, trace, number)),
        asking AS (
            SELECT i.*, a.balance, a.balance >= sum(i.cost) OVER own AS is_paid,
                NOT a.disabled AND (i.max_queued IS NULL OR a.open_jobs + row_number() OVER own <= i.max_queued
                    OR a.open_jobs + row_number() OVER own <= i.max_queued
                        + (SELECT count(*) FROM jobs WHERE state = {Running} AND account_id = a.id)) AS is_within
            FROM input i JOIN accounts a ON a.id = i.account_id
            WINDOW own AS (PARTITION BY i.account_id ORDER BY i.number)),
        fitting AS (
            SELECT *, bool_and(is_paid AND is_within) OVER (PARTITION BY account_id ORDER BY number) AS fits FROM asking),
        keys AS (
            INSERT INTO idempotency_keys (account_id, key, fingerprint, job_id, in_flight_until)
            SELECT account_id, key, fingerprint, id, now() + in_flight FROM fitting WHERE fits AND key IS NOT NULL
            ON CONFLICT DO NOTHING
            RETURNING job_id),
        taken AS (
            SELECT * FROM fitting WHERE fits AND (key IS NULL OR id IN (SELECT job_id FROM keys))),
        account AS (
            UPDATE accounts SET balance = balance - t.cost, held = held + t.cost, open_jobs = open_jobs + t.jobs
            FROM (SELECT account_id, sum(cost)::bigint AS cost, count(*)::integer AS jobs FROM taken GROUP BY account_id) AS t
            WHERE accounts.id = t.account_id
            RETURNING accounts.id, accounts.balance, accounts.held),
        held AS MATERIALIZED (
            SELECT t.id, t.account_id, t.cost, account.balance + t.later AS balance, account.held - t.later AS held,
                CASE WHEN t.cost > 0 THEN nextval('ledger_movements') END AS movement
            FROM (SELECT *, (coalesce(sum(cost) OVER (PARTITION BY account_id ORDER BY number
                ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0))::bigint AS later FROM taken) AS t
                JOIN account ON account.id = t.account_id),
        j AS (
            INSERT INTO jobs (id, account_id, kind, model, state, request, render, priority, expires_at, cost, metadata,
                webhook_url, webhook_events, work, seconds, trace)
            SELECT id, account_id, kind, model, {Queued}, request, render, priority, now() + expires_in, cost, metadata,
                webhook_url, CASE WHEN webhook_events IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(webhook_events)) END,
                work, seconds, trace
            FROM taken
            RETURNING *),
        box AS (
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, expires_at, seconds, trace)
            SELECT id, account_id, model, priority, created_at, expires_at, seconds, trace FROM j),
        lines AS (
            INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
            SELECT movement, {(int)LedgerEntry.Hold}, line.book, account_id, id, line.amount, balance, held
            FROM held, LATERAL (VALUES
                ({(int)LedgerBook.Available}, -cost), ({(int)LedgerBook.Held}, cost)) AS line (book, amount)
            WHERE movement IS NOT NULL),
        {Hooks("queued", "job.queued")}
        SELECT f.number, f.fits, f.is_paid, coalesce(held.balance, f.balance), j.created_at, j.expires_at
        FROM fitting f LEFT JOIN j ON j.id = f.id LEFT JOIN held ON held.id = f.id
        """;

    /// <summary>submit -> queued: the job, the hold of its cost, its outbox row and its idempotency key, together or not at all.</summary>
    public async Task<SubmitResult> SubmitAsync(NewJob job, CancellationToken cancellationToken)
    {
        FaultPoint.Reach(FaultPoint.Submitting);
        SubmitResult result = await _submits.RunAsync(job, cancellationToken);
        if (result.Job is { } row)
        {
            FaultPoint.Reach(FaultPoint.Submitted);
            _hotState.Show(row);
            _signal.Raise();
        }

        return result;
    }

    private async Task<IReadOnlyList<SubmitResult>> SubmitAllAsync(IReadOnlyList<NewJob> jobs)
    {
        SubmitResult[] results = await SubmitTogetherAsync(jobs);
        for (int i = 0; jobs.Count > 1 && i < jobs.Count; i++)
        {
            // Together with others' only a yes is final
            if (results[i].Outcome != SubmitOutcome.Queued)
            {
                results[i] = (await SubmitTogetherAsync([jobs[i]]))[0];
            }
        }

        return results;
    }

    private async Task<SubmitResult[]> SubmitTogetherAsync(IReadOnlyList<NewJob> jobs)
    {
        await using var batch = new JobBatch(_source);
        batch.LockAccounts(jobs.Select(j => j.AccountId));
        string[] requests = [.. jobs.Select(j => Json(j.Request)!)];
        batch.Add(SubmitSql,
            JobBatch.Column(NpgsqlDbType.Uuid, jobs.Select(j => j.Id.Value)),
            JobBatch.Column(NpgsqlDbType.Uuid, jobs.Select(j => j.AccountId)),
            JobBatch.Column(NpgsqlDbType.Smallint, jobs.Select(j => (short)j.Request.Kind)),
            JobBatch.Column(NpgsqlDbType.Bigint, jobs.Select(j => j.Cost.Micros)),
            JobBatch.Column(NpgsqlDbType.Text, jobs.Select(j => j.Request.Model)),
            JobBatch.Column(NpgsqlDbType.Jsonb, requests),
            JobBatch.Column(NpgsqlDbType.Jsonb, jobs.Select(j => Json(j.Render))),
            JobBatch.Column(NpgsqlDbType.Integer, jobs.Select(j => j.Priority)),
            JobBatch.Column(NpgsqlDbType.Interval, jobs.Select(j => j.ExpiresIn)),
            JobBatch.Column(NpgsqlDbType.Jsonb, jobs.Select(j => j.Metadata?.GetRawText())),
            JobBatch.Column(NpgsqlDbType.Text, jobs.Select(j => j.WebhookUrl)),
            JobBatch.Column(NpgsqlDbType.Jsonb, jobs.Select(j => Json(j.WebhookEvents))),
            JobBatch.Column(NpgsqlDbType.Integer, jobs.Select(j => j.MaxQueued)),
            JobBatch.Column(NpgsqlDbType.Text, jobs.Select(j => j.Idempotency?.Key)),
            JobBatch.Column(NpgsqlDbType.Bytea, jobs.Select(j => j.Idempotency?.Fingerprint)),
            JobBatch.Column(NpgsqlDbType.Interval, jobs.Select(j => j.Idempotency?.InFlight)),
            JobBatch.Column(NpgsqlDbType.Double, jobs.Select(j => j.Work)),
            JobBatch.Column(NpgsqlDbType.Double, jobs.Select(j => j.ExpectedSeconds)),
            JobBatch.Column(NpgsqlDbType.Text, jobs.Select(j => j.Trace)));

        var results = new SubmitResult[jobs.Count];
        // An account that is not there can spend nothing
        Array.Fill(results, new SubmitResult(SubmitOutcome.InsufficientCredits, null, Credits.Zero));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync();
        while (await reader.ReadAsync())
        {
            int i = (int)reader.GetInt64(0) - 1;
            var balance = new Credits(reader.GetInt64(3));
            results[i] = !reader.IsDBNull(4)
                ? new SubmitResult(SubmitOutcome.Queued, RowOf(jobs[i], requests[i], reader), balance)
                : new SubmitResult(
                    reader.GetBoolean(1) ? SubmitOutcome.IdempotencyKeyUsed
                        : reader.GetBoolean(2) ? SubmitOutcome.TooManyQueued : SubmitOutcome.InsufficientCredits,
                    null, balance);
        }

        return results;
    }

    /// <summary>The row that was just written, without reading back what was sent.</summary>
    private static JobRow RowOf(NewJob job, string request, NpgsqlDataReader reader) => new()
    {
        Id = job.Id,
        AccountId = job.AccountId,
        Kind = job.Request.Kind,
        Model = job.Request.Model,
        State = JobState.Queued,
        Request = request,
        KnownRequest = job.Request,
        Render = Json(job.Render),
        Priority = job.Priority,
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(4),
        ExpiresAt = reader.IsDBNull(5) ? null : reader.GetFieldValue<DateTimeOffset>(5),
        Revision = 1,
        Cost = job.Cost,
        Metadata = job.Metadata,
        WebhookUrl = job.WebhookUrl,
        WebhookEvents = job.WebhookEvents?.ToArray(),
        ExpectedSeconds = job.ExpectedSeconds,
    };
}
