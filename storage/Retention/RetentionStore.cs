using Npgsql;

namespace Generation.Storage;

/// <summary>What goes with time: outputs after their account's retention, and files that nothing names any more.</summary>
public sealed class RetentionStore(NpgsqlDataSource source, IResultsStore results, UploadStore uploads)
{
    /// <summary>A younger file may belong to a job that is just being completed.</summary>
    public static readonly TimeSpan OrphanAge = TimeSpan.FromHours(1);

    private const int RoundSize = 500;

    /// <summary>Forgets the outputs of jobs that ended longer ago than their account keeps them; returns how many jobs.</summary>
    public async Task<int> ExpireOutputsAsync(int? defaultDays, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand($"""
            WITH old AS (
                SELECT j.id FROM jobs j JOIN accounts a ON a.id = j.account_id
                WHERE j.state = 2 AND j.outputs_deleted_at IS NULL
                    AND j.finished_at < now() - make_interval(days => coalesce((a.limits ->> 'retention_days')::int, $1))
                ORDER BY j.finished_at LIMIT {RoundSize} FOR UPDATE OF j SKIP LOCKED),
            gone AS (DELETE FROM job_outputs USING old WHERE job_outputs.job_id = old.id)
            UPDATE jobs SET outputs_deleted_at = now(), revision = revision + 1 FROM old WHERE jobs.id = old.id
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)defaultDays ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Deletes the files that no output, no upload, no checkpoint and no open or kept job's inputs name and that were last put before
    /// <paramref name="putBefore"/>; returns how many.
    /// </summary>
    public async Task<int> SweepAsync(DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        await uploads.ForgetExpiredAsync(cancellationToken);
        await results.RecoverAsync(putBefore, cancellationToken);
        int deleted = 0;
        var batch = new List<string>(RoundSize);
        await foreach (StoredFile file in results.ListAsync(cancellationToken))
        {
            if (file.ModifiedAt < putBefore)
            {
                batch.Add(file.Sha256);
            }

            if (batch.Count == RoundSize)
            {
                deleted += await DeleteOrphansAsync(batch, putBefore, cancellationToken);
                batch.Clear();
            }
        }

        return deleted + await DeleteOrphansAsync(batch, putBefore, cancellationToken);
    }

    private async Task<int> DeleteOrphansAsync(List<string> names, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
        {
            return 0;
        }

        var orphans = new List<string>();
        await using (NpgsqlCommand command = source.CreateCommand("""
            SELECT name FROM unnest($1) AS f (name)
            WHERE NOT EXISTS (SELECT 1 FROM job_outputs WHERE sha256 = name)
                AND NOT EXISTS (SELECT 1 FROM uploads WHERE sha256 = name)
                AND NOT EXISTS (SELECT 1 FROM job_outputs WHERE thumbnail = name)
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind <> 0 AND jsonb_path_query_array(request, 'strict $.**.sha256') @> to_jsonb(name)
                    AND (state IN (0, 1) OR (state = 2 AND outputs_deleted_at IS NULL)))
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE checkpoint ->> 'sha256' = name AND checkpoint IS NOT NULL)
            """))
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. names] });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                orphans.Add(reader.GetString(0));
            }
        }

        int deleted = 0;
        foreach (string orphan in orphans)
        {
            // A job may have put the same bytes since they were listed, and not have named them yet
            deleted += await results.DeleteOldAsync(orphan, putBefore, cancellationToken) ? 1 : 0;
        }

        return deleted;
    }
}
