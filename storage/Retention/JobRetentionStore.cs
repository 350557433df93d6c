using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Retention;

/// <summary>
/// Deletes jobs with everything that belongs to them, after their time or because their owner or an operator asks for it.
/// </summary>
public sealed class JobRetentionStore(NpgsqlDataSource source, HotState hotState)
{
    /// <summary>How many jobs one statement changes at most.</summary>
    public const int RoundSize = 500;

    private static readonly Statement DeleteSql = new(
        "delete-jobs",
        ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid),
        ("account_id", NpgsqlDbType.Uuid)
    );

    private static readonly Statement OldSql = new("old-jobs", ("before", NpgsqlDbType.TimestampTz), ("limit", NpgsqlDbType.Integer));

    private static readonly Statement ForgetPromptsSql = new(
        "forget-prompts",
        ("after", NpgsqlDbType.Uuid),
        ("before", NpgsqlDbType.TimestampTz),
        ("limit", NpgsqlDbType.Integer)
    );

    private Guid _wordless;

    /// <summary>
    /// Deletes a job that is over with everything that belongs to it, except its lines in the ledger. Its files are deleted by the next
    /// sweep. False if the account has no such job, or it is not over.
    /// </summary>
    /// <param name="id">The job.</param>
    /// <param name="accountId">The account that it must belong to; null for any.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<bool> DeleteAsync(JobId id, Guid? accountId, CancellationToken cancellationToken) =>
        (await DeleteAsync([id.Value], accountId, cancellationToken)).Count > 0;

    /// <summary>Deletes those of these jobs that are over, and returns them.</summary>
    public async Task<IReadOnlyList<JobId>> DeleteAsync(Guid[] ids, Guid? accountId, CancellationToken cancellationToken)
    {
        var deleted = new List<JobId>();
        // One value, which is an array
        await using (NpgsqlCommand command = DeleteSql.On(source, ids, accountId))
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                deleted.Add(new JobId(reader.GetGuid(0)));
            }
        }

        foreach (JobId id in deleted)
        {
            hotState.Forget(id);
        }

        return deleted;
    }

    /// <summary>Deletes jobs that ended before a time, and returns how many.</summary>
    public async Task<int> DeleteOldAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        int deleted = 0;
        while (true)
        {
            var ids = new List<Guid>(RoundSize);
            await using (NpgsqlCommand command = OldSql.On(source, before.ToUniversalTime(), RoundSize))
            await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    ids.Add(reader.GetGuid(0));
                }
            }

            int round = (await DeleteAsync([.. ids], null, cancellationToken)).Count;
            deleted += round;
            // Less than were found: another process deletes them, too
            if (ids.Count < RoundSize || round < ids.Count)
            {
                return deleted;
            }
        }
    }

    /// <summary>Empties the prompts of jobs that ended before a time, and returns of how many.</summary>
    public async Task<long> ForgetPromptsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        long changed = 0;
        while (true)
        {
            await using NpgsqlCommand command = ForgetPromptsSql.On(source, _wordless, before.ToUniversalTime(), RoundSize);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            changed += reader.GetInt64(1);
            if (reader.IsDBNull(0) || reader.GetGuid(0) == _wordless)
            {
                return changed;
            }

            // Those before it have no words: this process does not look at them again
            _wordless = reader.GetGuid(0);
        }
    }

    /// <summary>Deletes webhook messages that were delivered or given up and were made before a time, and returns how many.</summary>
    public async Task<int> ForgetWebhooksAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        // In rounds: the first after an upgrade may find millions
        int deleted = 0;
        int round;
        do
        {
            await using NpgsqlCommand command = source.CreateCommand(
                """
                DELETE FROM webhook_deliveries WHERE id IN (
                    SELECT id FROM webhook_deliveries WHERE created_at < $1 AND next_at IS NULL ORDER BY created_at LIMIT $2)
                """
            );
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before.ToUniversalTime() });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = RoundSize });
            round = await command.ExecuteNonQueryAsync(cancellationToken);
            deleted += round;
        } while (round == RoundSize);
        return deleted;
    }
}
