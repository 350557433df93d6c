using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

/// <summary>
/// The life of jobs in PostgreSQL, the truth. One named method per transition, each one statement that is conditional
/// on the present state, and nothing else writes these rows. A transition moves the job, its outbox row and its money
/// together or not at all.
/// </summary>
/// <remarks>
/// Times are the database's: all processes see one clock. Locks are taken in one order (job, then account), so that
/// transitions cannot block each other in a circle. After a change the new document is shown in Redis and dispatchers
/// are woken, both best effort.
/// </remarks>
public sealed partial class JobStore(NpgsqlDataSource source, HotState hotState, DispatchSignal signal)
{
    /// <summary>One job, or null. With <paramref name="accountId"/>: only if it is that account's.</summary>
    public async Task<JobRow?> FindAsync(JobId id, Guid? accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"SELECT {JobRow.Columns}, {JobRow.OutputsColumn} FROM jobs j WHERE j.id = $1 AND ($2 IS NULL OR j.account_id = $2)");
        Add(command, id.Value);
        Add(command, accountId, NpgsqlDbType.Uuid);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? JobRow.ReadWithOutputs(reader) : null;
    }

    /// <summary>
    /// The end of a job that holds money: <c>j</c> is its update, and what follows settles hold and outbox.
    /// $1 is the job, <paramref name="set"/> and <paramref name="where"/> may use more.
    /// </summary>
    private static string Settle(JobState state, string set, string where, string more = "") => $"""
        WITH j AS (
            UPDATE jobs SET state = {(int)state}, finished_at = now(), lease_until = NULL, checkpoint = NULL,
                revision = revision + 1{set}
            WHERE id = $1 AND {where}
            RETURNING *),
        box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
        account AS (
            UPDATE accounts SET held = accounts.held - j.cost, balance = accounts.balance + j.cost - j.charged,
                open_jobs = open_jobs - 1
            FROM j WHERE accounts.id = j.account_id
            RETURNING accounts.balance, accounts.held),
        movement AS MATERIALIZED (SELECT nextval('ledger_movements') AS number FROM account),
        lines AS (
            INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
            SELECT movement.number, line.entry, line.book, CASE WHEN line.book <= {(int)LedgerBook.Held} THEN j.account_id END,
                j.id, line.amount,
                CASE WHEN line.book <= {(int)LedgerBook.Held} THEN account.balance END,
                CASE WHEN line.book <= {(int)LedgerBook.Held} THEN account.held END
            FROM j, account, movement, LATERAL (VALUES
                ({(int)LedgerEntry.Charge}, {(int)LedgerBook.Held}, -j.charged),
                ({(int)LedgerEntry.Charge}, {(int)LedgerBook.Revenue}, j.charged),
                ({(int)LedgerEntry.Release}, {(int)LedgerBook.Held}, j.charged - j.cost),
                ({(int)LedgerEntry.Release}, {(int)LedgerBook.Available}, j.cost - j.charged)) AS line (entry, book, amount)
            WHERE line.amount <> 0),
        {Hooks("finished", "job." + state.ToString().ToLowerInvariant())}{more}
        SELECT {JobRow.Columns} FROM j
        """;

    /// <summary>Tells the job's webhook of what happens in this statement, if its owner wants to know.</summary>
    private static string Hooks(string @event, string name) => $"""
        hooks AS (
            INSERT INTO webhook_deliveries (account_id, job_id, event, url, next_at)
            SELECT account_id, id, '{name}', webhook_url, now() FROM j
            WHERE webhook_url IS NOT NULL AND '{@event}' = ANY (coalesce(webhook_events, ARRAY['finished'])))
        """;

    /// <summary>Runs a statement that returns the changed job, and shows it; null if its condition did not hold.</summary>
    private async Task<JobRow?> TransitionAsync(NpgsqlCommand command, IReadOnlyList<JobOutput>? outputs, CancellationToken cancellationToken)
    {
        JobRow? row = null;
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                row = JobRow.Read(reader) with { Outputs = outputs ?? [] };
            }
        }

        if (row is not null)
        {
            hotState.Show(row);
        }

        return row;
    }

    /// <summary>After a fenced statement matched nothing: did an earlier try of it succeed, is a cancel in the way, or is the lease lost?</summary>
    private async Task<FencedOutcome> WhyRefusedAsync(JobId id, long epoch, Func<JobRow, bool> isOwnDoing, CancellationToken cancellationToken) =>
        await FindAsync(id, null, cancellationToken) switch
        {
            { } row when row.LeaseEpoch == epoch && isOwnDoing(row) => FencedOutcome.Done,
            { State: JobState.Running, CancelRequested: true } row when row.LeaseEpoch == epoch => FencedOutcome.CancelRequested,
            _ => FencedOutcome.Lost,
        };

    [SuppressMessage("Security", "CA2100", Justification = "Statements are put together from constants of this class only.")]
    private NpgsqlCommand Command(string sql, JobId id)
    {
        NpgsqlCommand command = source.CreateCommand(sql);
        Add(command, id.Value);
        return command;
    }

    private static void Add<T>(NpgsqlCommand command, T value) =>
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });

    private static void Add(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });

    private static void AddJson<T>(NpgsqlCommand command, T? value) => Add(command,
        value is null ? null : JsonSerializer.Serialize(value, WireJson.Options), NpgsqlDbType.Jsonb);
}
