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
public sealed partial class JobStore
{
    private readonly NpgsqlDataSource _source;
    private readonly Lanes _lanes;
    private readonly HotState _hotState;
    private readonly DispatchSignal _signal;
    private readonly Gatherer<NewJob, SubmitResult> _submits;
    private readonly Gatherer<Claim, JobRow?> _claims;
    private readonly Gatherer<Completion, JobRow?> _completions;

    public JobStore(NpgsqlDataSource source, Lanes lanes, HotState hotState, DispatchSignal signal)
    {
        (_source, _lanes, _hotState, _signal) = (source, lanes, hotState, signal);
        _submits = new Gatherer<NewJob, SubmitResult>(SubmitAllAsync);
        _claims = new Gatherer<Claim, JobRow?>(ClaimAllAsync);
        _completions = new Gatherer<Completion, JobRow?>(CompleteAllAsync);
    }

    /// <summary>One job, or null. With <paramref name="accountId"/>: only if it is that account's.</summary>
    public async Task<JobRow?> FindAsync(JobId id, Guid? accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = _source.CreateCommand(
            $"SELECT {JobRow.Columns}, {JobRow.OutputsColumn} FROM jobs j WHERE j.id = $1 AND ($2 IS NULL OR j.account_id = $2)");
        Add(command, id.Value);
        Add(command, accountId, NpgsqlDbType.Uuid);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? JobRow.ReadWithOutputs(reader) : null;
    }

    /// <summary>
    /// The end of jobs that hold money: <c>j</c> is their update, and what follows settles hold and outbox. For one job
    /// ($1), or with <paramref name="from"/> for all that it yields; <paramref name="set"/> and <paramref name="where"/>
    /// may use more.
    /// </summary>
    private static string Settle(JobState state, string set, string where, string more = "", string? from = null) => $"""
        WITH j AS (
            UPDATE jobs SET state = {(int)state}, finished_at = now(), lease_until = NULL, checkpoint = NULL,
                revision = revision + 1{set}
            {from} WHERE {(from is null ? "id = $1 AND " : "")}{where}
            RETURNING jobs.*),
        box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
        account AS (
            UPDATE accounts SET held = held - t.cost, balance = balance + t.unused, open_jobs = open_jobs - t.jobs
            FROM (SELECT account_id, sum(cost)::bigint AS cost, sum(cost - charged)::bigint AS unused, count(*)::integer AS jobs
                FROM j GROUP BY account_id) AS t
            WHERE accounts.id = t.account_id
            RETURNING accounts.id, accounts.balance, accounts.held),
        settled AS MATERIALIZED (
            SELECT t.id, t.account_id, t.cost, t.charged, nextval('ledger_movements') AS movement,
                account.balance - coalesce(t.later_unused, 0) AS balance, account.held + coalesce(t.later_cost, 0) AS held
            FROM (SELECT *, (sum(cost - charged) OVER later)::bigint AS later_unused, (sum(cost) OVER later)::bigint AS later_cost
                FROM j WINDOW later AS (PARTITION BY account_id ORDER BY id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)) AS t
                JOIN account ON account.id = t.account_id),
        lines AS (
            INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
            SELECT movement, line.entry, line.book, CASE WHEN line.book <= {(int)LedgerBook.Held} THEN account_id END, id, line.amount,
                CASE WHEN line.book <= {(int)LedgerBook.Held} THEN balance END, CASE WHEN line.book <= {(int)LedgerBook.Held} THEN held END
            FROM settled, LATERAL (VALUES
                ({(int)LedgerEntry.Charge}, {(int)LedgerBook.Held}, -charged),
                ({(int)LedgerEntry.Charge}, {(int)LedgerBook.Revenue}, charged),
                ({(int)LedgerEntry.Release}, {(int)LedgerBook.Held}, charged - cost),
                ({(int)LedgerEntry.Release}, {(int)LedgerBook.Available}, cost - charged)) AS line (entry, book, amount)
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
    private async Task<JobRow?> TransitionAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        JobRow? row = null;
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                row = JobRow.Read(reader);
            }
        }

        if (row is not null)
        {
            _hotState.Show(row);
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
        NpgsqlCommand command = _source.CreateCommand(sql);
        Add(command, id.Value);
        return command;
    }

    private static void Add<T>(NpgsqlCommand command, T value) =>
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });

    private static void Add(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });

    private static void AddJson<T>(NpgsqlCommand command, T? value) => Add(command, Json(value), NpgsqlDbType.Jsonb);

    private static string? Json<T>(T? value) => value is null ? null : JsonSerializer.Serialize(value, WireJson.Options);

    /// <summary>The rows that a batch changed, each at the place of the (first) call that asked for it.</summary>
    private static async Task<IReadOnlyList<JobRow?>> RowsAsync(JobBatch batch, JobId[] ids)
    {
        var places = new Dictionary<JobId, int>(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            places.TryAdd(ids[i], i);
        }

        var rows = new JobRow?[ids.Length];
        await using NpgsqlDataReader reader = await batch.ExecuteAsync();
        while (await reader.ReadAsync())
        {
            var row = JobRow.Read(reader);
            rows[places[row.Id]] = row;
        }

        return rows;
    }
}
