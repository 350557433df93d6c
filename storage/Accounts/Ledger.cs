using Generation.Contracts;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Accounts;

/// <summary>One movement on an account, as its owner sees it.</summary>
/// <param name="Id">Its number, which grows with time.</param>
/// <param name="At">When it was made.</param>
/// <param name="Entry">Why it was made.</param>
/// <param name="Amount">Negative where credits leave: a hold takes them from the balance, a charge from what is held.</param>
/// <param name="Balance">Credits to spend, after it.</param>
/// <param name="Held">Credits that are held for open jobs, after it.</param>
/// <param name="Job">The job that it is for, if any.</param>
/// <param name="Note">The note of the operator who made it.</param>
public sealed record LedgerTransaction(
    long Id,
    DateTimeOffset At,
    LedgerEntry Entry,
    Credits Amount,
    Credits Balance,
    Credits Held,
    JobId? Job,
    string? Note
);

/// <summary>The totals of an account since it was made.</summary>
/// <param name="Credited">Grants, refunds and top-ups.</param>
/// <param name="Debited">What jobs have cost.</param>
/// <param name="LastId">The id of the newest line, which grows with each.</param>
public sealed record LedgerTotals(Credits Credited, Credits Debited, long LastId);

/// <summary>The result of checking the books.</summary>
/// <param name="Sum">The sum of all lines, which must be zero.</param>
/// <param name="UnbalancedMovements">How many movements have lines that do not sum to zero; must be none.</param>
/// <param name="WrongAccounts">How many accounts have a balance or a held amount that is not the sum of their lines; must be none.</param>
/// <param name="WrongHolds">How many accounts have a held amount or a count that does not match their open jobs; must be none.</param>
public sealed record LedgerCheck(Credits Sum, long UnbalancedMovements, long WrongAccounts, long WrongHolds)
{
    public bool IsRight => this == new LedgerCheck(Credits.Zero, 0, 0, 0);
}

/// <summary>
/// The double-entry ledger. Every movement writes lines that sum to zero, and lines are never changed. Accounts contain their balance and
/// what is held, which are changed in the same statement. Holds, charges and releases of jobs are written by the transitions of
/// <see cref="JobStore"/>; grants, top-ups and refunds here.
/// </summary>
public sealed class Ledger(NpgsqlDataSource source)
{
    /// <summary>The condition of lines that added credits; an index contains them alone.</summary>
    private const string Credited = "entry IN (ledger_entry('grant'), ledger_entry('refund'), ledger_entry('top_up'))";

    private const string MoveSql = """
        WITH account AS (
            UPDATE accounts SET balance = balance + $3 WHERE id = $1 RETURNING balance, held),
        movement AS MATERIALIZED (SELECT nextval('ledger_movements') AS number FROM account)
        INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held, note)
        SELECT movement.number, $2, line.book, CASE WHEN line.own THEN $1 END, $5, line.amount,
            CASE WHEN line.own THEN account.balance END, CASE WHEN line.own THEN account.held END, $4
        FROM account, movement, (VALUES
            (ledger_book('available'), $3, true),
            (CASE WHEN $2 = ledger_entry('refund') THEN ledger_book('revenue') ELSE ledger_book('issued') END, -$3, false)
            ) AS line (book, amount, own)
        """;

    /// <summary>Adds credits to an account, by a grant, a top-up or a refund; false if there is no such account.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The entry is of another kind, or the amount is not above zero.</exception>
    internal static async Task<bool> MoveAsync(
        NpgsqlConnection connection,
        Guid accountId,
        LedgerEntry entry,
        Credits amount,
        string? note,
        JobId? job,
        CancellationToken cancellationToken
    )
    {
        if (entry is not (LedgerEntry.Grant or LedgerEntry.TopUp or LedgerEntry.Refund))
        {
            throw new ArgumentOutOfRangeException(nameof(entry), entry, "Only grants, top-ups and refunds; the rest are made by jobs.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(amount.Micros, 0, nameof(amount));
        await using var command = new NpgsqlCommand(MoveSql, connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)entry });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = amount.Micros });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)note ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)job?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Lists an account's movements, the newest first, older than <paramref name="before"/> if given.</summary>
    public async Task<IReadOnlyList<LedgerTransaction>> TransactionsAsync(
        Guid accountId,
        long? before,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT id, at, entry, amount, balance, held, job_id, note FROM ledger_lines
            WHERE account_id = $1 AND ($2 IS NULL OR id < $2)
                AND (book = ledger_book('available') OR entry = ledger_entry('charge'))
            ORDER BY id DESC LIMIT $3
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var transactions = new List<LedgerTransaction>();
        while (await reader.ReadAsync(cancellationToken))
        {
            transactions.Add(
                new LedgerTransaction(
                    reader.GetInt64(0),
                    reader.GetFieldValue<DateTimeOffset>(1),
                    (LedgerEntry)reader.GetInt16(2),
                    new Credits(reader.GetInt64(3)),
                    new Credits(reader.GetInt64(4)),
                    new Credits(reader.GetInt64(5)),
                    reader.IsDBNull(6) ? null : new JobId(reader.GetGuid(6)),
                    reader.IsDBNull(7) ? null : reader.GetString(7)
                )
            );
        }

        return transactions;
    }

    /// <summary>
    /// How many credits an account has got and how many its jobs have cost since it was made; null if there is no such account.
    /// </summary>
    public async Task<LedgerTotals?> TotalsAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            SELECT balance + held,
                (SELECT coalesce(sum(amount), 0)::bigint FROM ledger_lines WHERE account_id = $1 AND book = ledger_book('available') AND
                {Credited}),
                (SELECT coalesce(max(id), 0) FROM ledger_lines WHERE account_id = $1)
            FROM accounts WHERE id = $1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var total = new Credits(reader.GetInt64(0));
        var credited = new Credits(reader.GetInt64(1));
        return new LedgerTotals(credited, credited - total, reader.GetInt64(2));
    }

    /// <summary>The newest movement that changed what an account owns, which holds and releases do not. Null if there is none.</summary>
    public async Task<LedgerTransaction?> LastAsync(Guid accountId, CancellationToken cancellationToken)
    {
        // Holds and releases lie between: a few lines each
        for (long? before = null; ; )
        {
            const int Lines = 20;
            IReadOnlyList<LedgerTransaction> lines = await TransactionsAsync(accountId, before, Lines, cancellationToken);
            if (lines.FirstOrDefault(line => line.Entry is not (LedgerEntry.Hold or LedgerEntry.Release)) is { } found)
            {
                return found;
            }

            if (lines.Count < Lines)
            {
                return null;
            }

            before = lines[^1].Id;
        }
    }

    /// <summary>Checks all books, in one query and so at one moment.</summary>
    public async Task<LedgerCheck> CheckAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH books AS (
                SELECT account_id,
                    coalesce(sum(amount) FILTER (WHERE book = ledger_book('available')), 0) AS balance,
                    coalesce(sum(amount) FILTER (WHERE book = ledger_book('held')), 0) AS held
                FROM ledger_lines WHERE account_id IS NOT NULL GROUP BY account_id),
            open AS (
                SELECT account_id, sum(cost) AS cost, count(*) AS jobs FROM jobs WHERE state IN (job_state('queued'),
                job_state('running')) GROUP BY account_id)
            SELECT
                (SELECT coalesce(sum(amount), 0)::bigint FROM ledger_lines),
                (SELECT count(*) FROM (SELECT 1 FROM ledger_lines GROUP BY movement HAVING sum(amount) <> 0) AS wrong),
                (SELECT count(*) FROM accounts a LEFT JOIN books b ON b.account_id = a.id
                    WHERE a.balance <> coalesce(b.balance, 0) OR a.held <> coalesce(b.held, 0)),
                (SELECT count(*) FROM accounts a LEFT JOIN open o ON o.account_id = a.id WHERE a.held <> coalesce(o.cost,
                0) OR a.open_jobs <> coalesce(o.jobs, 0))
            """
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new LedgerCheck(new Credits(reader.GetInt64(0)), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
    }
}
