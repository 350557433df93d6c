using Generation.Storage.Database;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Retention;

/// <summary>What goes with time: outputs after their account's retention, and files that nothing names any more.</summary>
public sealed class RetentionStore(NpgsqlDataSource source, IResultsStore results, UploadStore uploads)
{
    /// <summary>A younger file may belong to a job that is just being completed.</summary>
    public static readonly TimeSpan OrphanAge = TimeSpan.FromHours(1);

    private const int RoundSize = 500;

    private static readonly Statement ExpireOutputsSql = new(
        "expire-outputs",
        ("default_days", NpgsqlDbType.Integer),
        ("limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement OrphansSql = new("orphans", ("names", NpgsqlDbType.Array | NpgsqlDbType.Text));

    /// <summary>Forgets the outputs of jobs that ended longer ago than their account keeps them; returns how many jobs.</summary>
    public async Task<int> ExpireOutputsAsync(int? defaultDays, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = ExpireOutputsSql.On(source, defaultDays, RoundSize);
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
        // One value, which is an array; uncast, its elements would be the values
        await using (NpgsqlCommand command = OrphansSql.On(source, (object)names.ToArray()))
        {
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
