using System.Collections.Concurrent;
using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

public sealed partial class JobStore
{
    private static readonly ConcurrentDictionary<(bool Many, bool Send, bool Keys, bool Hooks), string> SubmitSql = new();

    /// <summary>
    /// Any number of jobs at once. Those of one account are taken in order as long as its balance and its limit allow;
    /// whether what comes after the first refusal fits is for a statement of its own to say. The accounts are locked before.
    /// </summary>
    /// <remarks>What a statement is able to do costs time, also where there is nothing of it to do: hence the parameters.</remarks>
    /// <param name="many">There is more than one, and each sees what those before it take.</param>
    /// <param name="send">For jobs of one model that their callers send where a dispatcher would send them at once.</param>
    /// <param name="keys">Some have idempotency keys.</param>
    /// <param name="hooks">Some have webhooks.</param>
    private static string Submit(bool many, bool send, bool keys, bool hooks)
    {
        string place = many ? "row_number() OVER own" : "1";
        return $"""
            WITH input AS (
                SELECT * FROM {JobBatch.Rows(many, ("id", "uuid"), ("account_id", "uuid"), ("kind", "smallint"), ("cost", "bigint"), ("model", "text"),
                    ("request", "jsonb"), ("render", "jsonb"), ("priority", "integer"), ("expires_in", "interval"), ("metadata", "jsonb"),
                    ("webhook_url", "text"), ("webhook_events", "jsonb"), ("max_queued", "integer"), ("key", "text"), ("fingerprint", "bytea"),
                    ("in_flight", "interval"), ("work", "double precision"), ("seconds", "double precision"), ("trace", "text"))}),
            asking AS (
                SELECT i.*, a.balance, a.weight, a.limits, a.balance >= {(many ? "sum(i.cost) OVER own" : "i.cost")} AS is_paid,
                    NOT a.disabled AND (i.max_queued IS NULL OR a.open_jobs + {place} <= i.max_queued
                        OR a.open_jobs + {place} <= i.max_queued
                            + (SELECT count(*) FROM jobs WHERE state = {Running} AND account_id = a.id)) AS is_within
                FROM input i JOIN accounts a ON a.id = i.account_id
                {(many ? "WINDOW own AS (PARTITION BY i.account_id ORDER BY i.number)" : "")}),
            fitting AS (
                SELECT *, {(many ? "bool_and(is_paid AND is_within) OVER (PARTITION BY account_id ORDER BY number)" : "is_paid AND is_within")} AS fits FROM asking),
            {(keys ? """
            keys AS (
                INSERT INTO idempotency_keys (account_id, key, fingerprint, job_id, in_flight_until)
                SELECT account_id, key, fingerprint, id, now() + in_flight FROM fitting WHERE fits AND key IS NOT NULL
                ON CONFLICT DO NOTHING
                RETURNING job_id),
            """ : "")}
            taken AS (
                SELECT * FROM fitting WHERE fits{(keys ? " AND (key IS NULL OR id IN (SELECT job_id FROM keys))" : "")}),
            {(send ? FairShare.SendSql(many, "$20", "$21", "$22") + "," : "")}
            account AS (
                UPDATE accounts SET balance = balance - t.cost, held = held + t.cost, open_jobs = open_jobs + t.jobs
                FROM (SELECT account_id, {(many ? "sum(cost)::bigint AS cost, count(*)::integer AS jobs FROM taken GROUP BY account_id" : "cost, 1 AS jobs FROM taken")}) AS t
                WHERE accounts.id = t.account_id
                RETURNING accounts.id, accounts.balance, accounts.held),
            held AS MATERIALIZED (
                SELECT t.id, t.account_id, t.cost, account.balance + t.later AS balance, account.held - t.later AS held,
                    CASE WHEN t.cost > 0 THEN nextval('ledger_movements') END AS movement
                FROM (SELECT *, {(many ? "(coalesce(sum(cost) OVER (PARTITION BY account_id ORDER BY number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0))::bigint" : "0")} AS later FROM taken) AS t
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
                INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, expires_at, seconds, trace{(send ? ", dispatched_at" : "")})
                SELECT j.id, j.account_id, j.model, j.priority, j.created_at, j.expires_at, j.seconds, j.trace{(send ? ", CASE WHEN sent.id IS NOT NULL THEN now() END" : "")}
                FROM j{(send ? " LEFT JOIN sent ON sent.id = j.id" : "")}),
            lines AS (
                INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
                SELECT movement, {(int)LedgerEntry.Hold}, line.book, account_id, id, line.amount, balance, held
                FROM held, LATERAL (VALUES
                    ({(int)LedgerBook.Available}, -cost), ({(int)LedgerBook.Held}, cost)) AS line (book, amount)
                WHERE movement IS NOT NULL){(hooks ? "," + Hooks("queued", "job.queued") : "")}
            SELECT f.number, f.fits, f.is_paid, coalesce(held.balance, f.balance), j.created_at, j.expires_at, {(send ? "sent.ahead" : "NULL::bigint")}
            FROM fitting f LEFT JOIN j ON j.id = f.id LEFT JOIN held ON held.id = f.id{(send ? " LEFT JOIN sent ON sent.id = f.id" : "")}
            """;
    }

    /// <summary>submit -> queued: the job, the hold of its cost, its outbox row and its idempotency key, together or not at all.</summary>
    public async Task<SubmitResult> SubmitAsync(NewJob job, CancellationToken cancellationToken)
    {
        FaultPoint.Reach(FaultPoint.Submitting);
        SubmitResult result = await _submits.RunAsync(job, cancellationToken);
        if (result.Job is { } row)
        {
            FaultPoint.Reach(FaultPoint.Submitted);
            if (result.IsSent)
            {
                job.Send!.Begin(row);
            }
            else
            {
                _signal.Raise();
            }

            _hotState.Show(row);
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
        await using var batch = new JobBatch(_lanes.Submits);
        // Together only jobs of one model, whose lock they need
        string model = jobs[0].Request.Model;
        DirectSend? send = jobs.All(j => j.Send is not null && j.Request.Model == model) ? jobs[0].Send : null;
        batch.LockAccounts(jobs.Select(j => j.AccountId), send is null ? null : model);
        var requests = jobs.DistinctBy(j => j.Id).ToDictionary(j => j.Id, j => Json(j.Request)!);
        NpgsqlParameter[] columns =
        [
            JobBatch.Column(jobs, NpgsqlDbType.Uuid, j => j.Id.Value),
            JobBatch.Column(jobs, NpgsqlDbType.Uuid, j => j.AccountId),
            JobBatch.Column(jobs, NpgsqlDbType.Smallint, j => (short)j.Request.Kind),
            JobBatch.Column(jobs, NpgsqlDbType.Bigint, j => j.Cost.Micros),
            JobBatch.Column(jobs, NpgsqlDbType.Text, j => j.Request.Model),
            JobBatch.Column(jobs, NpgsqlDbType.Jsonb, j => requests[j.Id]),
            JobBatch.Column(jobs, NpgsqlDbType.Jsonb, j => Json(j.Plan)),
            JobBatch.Column(jobs, NpgsqlDbType.Integer, j => j.Priority),
            JobBatch.Column(jobs, NpgsqlDbType.Interval, j => j.ExpiresIn),
            JobBatch.Column(jobs, NpgsqlDbType.Jsonb, j => j.Metadata?.GetRawText()),
            JobBatch.Column(jobs, NpgsqlDbType.Text, j => j.WebhookUrl),
            JobBatch.Column(jobs, NpgsqlDbType.Jsonb, j => Json(j.WebhookEvents)),
            JobBatch.Column(jobs, NpgsqlDbType.Integer, j => j.MaxQueued),
            JobBatch.Column(jobs, NpgsqlDbType.Text, j => j.Idempotency?.Key),
            JobBatch.Column(jobs, NpgsqlDbType.Bytea, j => j.Idempotency?.Fingerprint),
            JobBatch.Column(jobs, NpgsqlDbType.Interval, j => j.Idempotency?.InFlight),
            JobBatch.Column(jobs, NpgsqlDbType.Double, j => j.Plan?.Work),
            JobBatch.Column(jobs, NpgsqlDbType.Double, j => j.ExpectedSeconds),
            JobBatch.Column(jobs, NpgsqlDbType.Text, j => j.Trace),
        ];
        string sql = SubmitSql.GetOrAdd(
            (jobs.Count > 1, send is not null, jobs.Any(j => j.Idempotency is not null), jobs.Any(j => j.WebhookUrl is not null)),
            way => Submit(way.Many, way.Send, way.Keys, way.Hooks));
        batch.Add(sql, send is null ? columns :
        [
            .. columns,
            new NpgsqlParameter<string> { TypedValue = model },
            new NpgsqlParameter<TimeSpan> { TypedValue = WorkerRegistry.LiveFor },
            new NpgsqlParameter { Value = (object?)send.RunningLimit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
        ]);

        var results = new SubmitResult[jobs.Count];
        // An account that is not there can spend nothing
        Array.Fill(results, new SubmitResult(SubmitOutcome.InsufficientCredits, null, Credits.Zero));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync();
        while (await reader.ReadAsync())
        {
            int i = (int)reader.GetInt64(0) - 1;
            var balance = new Credits(reader.GetInt64(3));
            results[i] = !reader.IsDBNull(4)
                ? new SubmitResult(SubmitOutcome.Queued, RowOf(jobs[i], requests[jobs[i].Id], reader), balance, IsSent: !reader.IsDBNull(6))
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
        Plan = Json(job.Plan),
        KnownPlan = job.Plan,
        Priority = job.Priority,
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(4),
        ExpiresAt = reader.IsDBNull(5) ? null : reader.GetFieldValue<DateTimeOffset>(5),
        Revision = 1,
        Cost = job.Cost,
        Metadata = job.Metadata,
        WebhookUrl = job.WebhookUrl,
        WebhookEvents = job.WebhookEvents?.ToArray(),
        ExpectedSeconds = job.ExpectedSeconds,
        // Behind those that are in the broker; how long they will run nobody has added up
        Place = reader.IsDBNull(6) ? null : new QueuePlace(reader.GetInt64(6) + 1, 0, 0, job.ExpectedSeconds),
    };
}
