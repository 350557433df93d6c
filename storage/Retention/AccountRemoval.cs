using Generation.Contracts;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Retention;

/// <summary>
/// Deletes accounts with everything but their ledger. An account is marked first, and nobody can use it from then on. Then its jobs are
/// stopped and deleted, round by round, by any process that runs. Its row is kept for the ledger, without a name.
/// </summary>
public sealed class AccountRemoval(NpgsqlDataSource source, JobStore jobs, JobRetentionStore retention)
{
    /// <summary>How long requests that began before the mark may take to end.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Disables an account and removes its name, keys, limits, rules, webhook secrets and uploads. False if there is no such account. It
    /// may be called repeatedly.
    /// </summary>
    public async Task<bool> MarkAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var mark = new NpgsqlCommand(
            """
            UPDATE accounts SET disabled = true, name = 'deleted ' || id, limits = NULL, deleted_at = coalesce(deleted_at, now())
            WHERE id = $1
            """,
            connection
        );
        mark.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        if (await mark.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            return false;
        }

        await RemoveRowsAsync(connection, accountId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Whether only the ledger is left of a deleted account; null if there is no such account, or it is not deleted.</summary>
    public async Task<bool?> IsEmptiedAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT emptied_at IS NOT NULL FROM accounts WHERE id = $1 AND deleted_at IS NOT NULL"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return await command.ExecuteScalarAsync(cancellationToken) as bool?;
    }

    /// <summary>Continues the deletion of all accounts that are marked, and returns how many jobs it deleted.</summary>
    public async Task<int> ContinueAsync(CancellationToken cancellationToken)
    {
        int deleted = 0;
        const string Marked = "SELECT id FROM accounts WHERE deleted_at IS NOT NULL AND emptied_at IS NULL";
        foreach (Guid account in await IdsAsync(Marked, null, cancellationToken))
        {
            deleted += await EmptyAsync(account, cancellationToken);
        }

        return deleted;
    }

    private async Task<int> EmptyAsync(Guid account, CancellationToken cancellationToken)
    {
        int deleted = 0;
        int round;
        do
        {
            // Waiting jobs end here, at no cost; running ones at their next step, and are deleted in a later round
            List<Guid> open = await IdsAsync(
                """
                SELECT id FROM jobs
                WHERE account_id = $1 AND state IN (job_state('queued'), job_state('running')) AND NOT cancel_requested
                ORDER BY id LIMIT 500
                """,
                account,
                cancellationToken
            );
            foreach (Guid id in open)
            {
                await jobs.CancelAsync(new JobId(id), account, cancellationToken);
            }

            List<Guid> over = await IdsAsync(
                """
                SELECT id FROM jobs WHERE account_id = $1 AND state NOT IN (job_state('queued'), job_state('running'))
                ORDER BY id LIMIT 500
                """,
                account,
                cancellationToken
            );
            round = (await retention.DeleteAsync([.. over], account, cancellationToken)).Count;
            deleted += round;
        } while (round > 0);

        await FinishAsync(account, cancellationToken);
        return deleted;
    }

    /// <summary>Whether an account is empty: no job is left, and no request that began before the mark can add one.</summary>
    private async Task FinishAsync(Guid account, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RemoveRowsAsync(connection, account, cancellationToken);
        await using var finish = new NpgsqlCommand(
            """
            UPDATE accounts SET emptied_at = now()
            WHERE id = $1 AND deleted_at < now() - $2 AND NOT EXISTS (SELECT 1 FROM jobs WHERE account_id = $1)
            """,
            connection
        );
        finish.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = account });
        finish.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Settled });
        await finish.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Deletes the rows of what an account has besides jobs and money.</summary>
    private static async Task RemoveRowsAsync(NpgsqlConnection connection, Guid account, CancellationToken cancellationToken)
    {
        string[] statements =
        [
            """
                WITH gone AS (DELETE FROM uploads WHERE account_id = $1 RETURNING id, sha256),
                numbers AS (DELETE FROM object_numbers n USING gone WHERE n.id = gone.id)
                INSERT INTO released_files (sha256) SELECT DISTINCT sha256 FROM gone ON CONFLICT DO NOTHING
                """,
            "DELETE FROM api_keys WHERE account_id = $1",
            "DELETE FROM webhook_secrets WHERE account_id = $1",
            "DELETE FROM account_safety WHERE account_id = $1",
            "DELETE FROM idempotency_keys WHERE account_id = $1",
            "DELETE FROM credit_keys WHERE account_id = $1",
            "DELETE FROM fair_shares WHERE account_id = $1",
        ];
        foreach (string statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = account });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task<List<Guid>> IdsAsync(string sql, Guid? account, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        if (account is { } id)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = id, NpgsqlDbType = NpgsqlDbType.Uuid });
        }

        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetGuid(0));
        }

        return ids;
    }
}
