using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Accounts;

/// <summary>A request of an operator to give an account credits.</summary>
/// <param name="AccountId">The account that gets them.</param>
/// <param name="Entry">A grant, a top-up or a refund.</param>
/// <param name="Amount">The amount, greater than zero.</param>
/// <param name="Note">A note by the operator.</param>
/// <param name="Job">The job that is refunded; null for a grant or a top-up.</param>
/// <param name="Key">Identifies repeated requests; null if each request is a new one.</param>
public sealed record NewCredits(Guid AccountId, LedgerEntry Entry, Credits Amount, string? Note, JobId? Job, CreditKey? Key);

/// <summary>An operator's Idempotency-Key.</summary>
/// <param name="AccountId">The operator's account, within which the key is unique.</param>
/// <param name="Key">The key.</param>
/// <param name="Fingerprint">SHA-256 of the request.</param>
public sealed record CreditKey(Guid AccountId, string Key, byte[] Fingerprint);

/// <summary>The outcome of a request for credits.</summary>
public enum CreditOutcome
{
    /// <summary>The credits were booked.</summary>
    Moved,

    /// <summary>
    /// The request was made before: nothing was booked now, and <see cref="CreditResult.Answer"/> is the answer to the first request.
    /// </summary>
    Replayed,

    /// <summary>The key was used for a different request.</summary>
    KeyReused,

    /// <summary>There is no such account.</summary>
    NoAccount,

    /// <summary>The account has no such job, and never had one.</summary>
    NoJob,

    /// <summary>The amount is more than the job cost less its earlier refunds; <see cref="CreditResult.Most"/> is left.</summary>
    TooMuch,
}

/// <param name="Outcome">The outcome.</param>
/// <param name="Answer">The answer, byte for byte as it was first given, if credits were booked; otherwise null.</param>
/// <param name="Most">How much may be refunded of the job, where the amount was too large.</param>
public sealed record CreditResult(CreditOutcome Outcome, byte[]? Answer = null, Credits Most = default);

/// <summary>Grants, top-ups and refunds by operators. Each is booked once, and a job is never refunded beyond its cost.</summary>
public sealed class CreditStore(NpgsqlDataSource source)
{
    /// <summary>
    /// How much of a job can still be refunded: its charge, from its row or, where that is deleted, from the ledger, less the refunds so
    /// far. Null if the account has no such job.
    /// </summary>
    private const string RefundableSql = """
        SELECT charged - (SELECT coalesce(sum(amount), 0)::bigint FROM ledger_lines
            WHERE job_id = $2 AND account_id = $1 AND entry = ledger_entry('refund') AND book = ledger_book('available'))
        FROM (SELECT coalesce(
            (SELECT charged FROM jobs WHERE id = $2 AND account_id = $1),
            (SELECT -sum(amount)::bigint FROM ledger_lines
                WHERE account_id = $1 AND job_id = $2 AND entry = ledger_entry('charge') AND book = ledger_book('held'))) AS charged) AS job
        """;

    /// <summary>Returns the first answer to a request with this key; null if the key was not used.</summary>
    public async Task<CreditResult?> FindAsync(CreditKey key, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        return await FindAsync(connection, key, cancellationToken);
    }

    /// <summary>Books the credits, in one transaction with their key.</summary>
    /// <param name="credits">The request.</param>
    /// <param name="answer">Makes the answer from the account after the booking. The answer is stored with the key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<CreditResult> MoveAsync(NewCredits credits, Func<Account, byte[]> answer, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Of two requests with one key, the second waits here until the first is committed, or not
        if (credits.Key is { } key && !await TakeKeyAsync(connection, key, cancellationToken))
        {
            return (await FindAsync(connection, key, cancellationToken))!;
        }

        // One movement of an account at a time: of two refunds of a job, the second sees the first
        if (!await LockAsync(connection, credits.AccountId, cancellationToken))
        {
            return new CreditResult(CreditOutcome.NoAccount);
        }

        if (credits.Entry == LedgerEntry.Refund)
        {
            if (credits.Job is not { } job || await RefundableAsync(connection, credits.AccountId, job, cancellationToken) is not { } most)
            {
                return new CreditResult(CreditOutcome.NoJob);
            }

            if (credits.Amount > most)
            {
                return new CreditResult(CreditOutcome.TooMuch, Most: most);
            }
        }

        await Ledger.MoveAsync(connection, credits.AccountId, credits.Entry, credits.Amount, credits.Note, credits.Job, cancellationToken);
        byte[] given = answer((await AccountStore.FindAsync(connection, credits.AccountId, cancellationToken))!);
        if (credits.Key is { } used)
        {
            await KeepAnswerAsync(connection, used, given, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return new CreditResult(CreditOutcome.Moved, given);
    }

    private static async Task<CreditResult?> FindAsync(NpgsqlConnection connection, CreditKey key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT fingerprint, answer FROM credit_keys WHERE account_id = $1 AND key = $2",
            connection
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.AccountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return !await reader.ReadAsync(cancellationToken) ? null
            : reader.GetFieldValue<byte[]>(0).AsSpan().SequenceEqual(key.Fingerprint)
                ? new CreditResult(CreditOutcome.Replayed, reader.GetFieldValue<byte[]>(1))
            : new CreditResult(CreditOutcome.KeyReused);
    }

    private static async Task<bool> TakeKeyAsync(NpgsqlConnection connection, CreditKey key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "INSERT INTO credit_keys (account_id, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            connection
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.AccountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.Fingerprint });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static async Task KeepAnswerAsync(
        NpgsqlConnection connection,
        CreditKey key,
        byte[] answer,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand("UPDATE credit_keys SET answer = $3 WHERE account_id = $1 AND key = $2", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.AccountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = answer });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<bool> LockAsync(NpgsqlConnection connection, Guid accountId, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT true FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
            connection
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static async Task<Credits?> RefundableAsync(
        NpgsqlConnection connection,
        Guid accountId,
        JobId job,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(RefundableSql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = accountId, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter { Value = job.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        return await command.ExecuteScalarAsync(cancellationToken) is long micros ? new Credits(micros) : null;
    }
}
