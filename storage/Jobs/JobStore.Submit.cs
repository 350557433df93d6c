using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

public sealed partial class JobStore
{
    private static readonly string SubmitSql = $"""
        WITH account AS (
            UPDATE accounts SET balance = balance - $4, held = held + $4, open_jobs = open_jobs + 1
            WHERE id = $2 AND balance >= $4 AND NOT disabled
                AND ($13 IS NULL OR open_jobs < $13 + (SELECT count(*) FROM jobs WHERE state = 1 AND account_id = $2))
            RETURNING balance, held),
        j AS (
            INSERT INTO jobs (id, account_id, kind, model, state, request, render, priority, expires_at, cost, metadata,
                webhook_url, webhook_events)
            SELECT $1, $2, $3, $5, {(int)JobState.Queued}, $6, $7, $8, now() + $9, $4, $10, $11, $12 FROM account
            RETURNING *),
        box AS (
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, expires_at)
            SELECT id, account_id, model, priority, created_at, expires_at FROM j),
        movement AS MATERIALIZED (SELECT nextval('ledger_movements') AS number FROM account WHERE $4 > 0),
        lines AS (
            INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
            SELECT movement.number, {(int)LedgerEntry.Hold}, line.book, $2, $1, line.amount, account.balance, account.held
            FROM account, movement, (VALUES
                ({(int)LedgerBook.Available}, -$4), ({(int)LedgerBook.Held}, $4)) AS line (book, amount)),
        {Hooks("queued", "job.queued")}
        """;

    private static readonly string SubmitPlainSql = $"{SubmitSql} SELECT {JobRow.Columns}, account.balance FROM j, account";

    private static readonly string SubmitIdempotentSql = $"""
        {SubmitSql},
        idempotency AS (
            INSERT INTO idempotency_keys (account_id, key, fingerprint, job_id, in_flight_until)
            SELECT $2, $14, $15, $1, now() + $16 FROM account)
        SELECT {JobRow.Columns}, account.balance FROM j, account
        """;

    /// <summary>submit -> queued: the job, the hold of its cost, its outbox row and its idempotency key, together or not at all.</summary>
    public async Task<SubmitResult> SubmitAsync(NewJob job, CancellationToken cancellationToken)
    {
        (JobRow Row, Credits Balance)? submitted;
        await using NpgsqlCommand command = Command(job.Idempotency is null ? SubmitPlainSql : SubmitIdempotentSql, job.Id);
        Add(command, job.AccountId);
        Add(command, (short)job.Request.Kind);
        Add(command, job.Cost.Micros);
        Add(command, job.Request.Model);
        AddJson<JobRequest>(command, job.Request);
        AddJson(command, job.Render);
        Add(command, job.Priority);
        Add(command, job.ExpiresIn, NpgsqlDbType.Interval);
        Add(command, job.Metadata?.GetRawText(), NpgsqlDbType.Jsonb);
        Add(command, job.WebhookUrl, NpgsqlDbType.Text);
        Add(command, job.WebhookEvents?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);
        Add(command, job.MaxQueued, NpgsqlDbType.Integer);
        if (job.Idempotency is { } claim)
        {
            Add(command, claim.Key);
            Add(command, claim.Fingerprint);
            Add(command, claim.InFlight);
        }

        FaultPoint.Reach(FaultPoint.Submitting);
        try
        {
            // Disposed once and before the next command: a reader belongs to its connection, which goes back to the pool with it
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            submitted = await reader.ReadAsync(cancellationToken)
                ? (JobRow.Read(reader), new Credits(reader.GetInt64(JobRow.ColumnCount)))
                : null;
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "idempotency_keys_pkey" })
        {
            return new SubmitResult(SubmitOutcome.IdempotencyKeyUsed, null, Credits.Zero);
        }

        if (submitted is not ({ } row, var balance))
        {
            Credits now = await BalanceAsync(job.AccountId, cancellationToken);
            return new SubmitResult(now < job.Cost ? SubmitOutcome.InsufficientCredits : SubmitOutcome.TooManyQueued, null, now);
        }

        FaultPoint.Reach(FaultPoint.Submitted);
        hotState.Show(row);
        signal.Raise();
        return new SubmitResult(SubmitOutcome.Queued, row, balance);
    }

    private async Task<Credits> BalanceAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT balance FROM accounts WHERE id = $1");
        Add(command, accountId);
        return new Credits(await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0);
    }
}
