using Generation.Storage.Database;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Retention;

/// <summary>The result of a sweep.</summary>
/// <param name="Deleted">The number of files that it deleted.</param>
/// <param name="Problem">Why it deleted none and what to do, in words for operators; null if nothing is wrong.</param>
public sealed record SweepResult(int Deleted, string? Problem = null);

/// <summary>Deletes what has expired: outputs after their account's retention, and files that nothing refers to any more.</summary>
public sealed class RetentionStore(NpgsqlDataSource source, IResultsStore results, ResultsOwnership ownership, UploadStore uploads)
{
    /// <summary>The age from which on a file may be an orphan: a younger one may belong to a job that is just being completed.</summary>
    public static readonly TimeSpan OrphanAge = TimeSpan.FromHours(1);

    /// <summary>
    /// A sweep deletes at most so many files to which this database has never referred, unless an operator tells it to delete more.
    /// </summary>
    public const int MostUnknownFiles = 100;

    /// <summary>The same limit as a share of all files in the store; the larger of the two applies.</summary>
    public const double MostUnknownShare = 0.01;

    private const int RoundSize = 500;

    /// <summary>How many names of files are held in memory at once; the next sweep finds the rest.</summary>
    private const int MostHeld = 200_000;

    private static readonly Statement ExpireOutputsSql = new(
        "expire-outputs",
        ("default_days", NpgsqlDbType.Integer),
        ("limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement OrphansSql = new("orphans", ("names", NpgsqlDbType.Array | NpgsqlDbType.Text));

    /// <summary>Removes the outputs of jobs that ended longer ago than their account keeps them; returns how many jobs.</summary>
    public async Task<int> ExpireOutputsAsync(int? defaultDays, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = ExpireOutputsSql.On(source, defaultDays, RoundSize);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Why the last sweep, of any process, deleted nothing; null if it did its work, or there was none yet.</summary>
    public async Task<string?> ProblemAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT sweep_problem FROM results_store");
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }

    /// <summary>
    /// Deletes the files that no output, no upload, no checkpoint and no open or kept job's inputs name and that were last put before
    /// <paramref name="putBefore"/>. It deletes none if the store does not belong to this database alone. Unless
    /// <paramref name="withoutLimit"/>, it also deletes none if more of them than <see cref="MostUnknownFiles"/> and
    /// <see cref="MostUnknownShare"/> are files to which this database has never referred, because a database that was set back or has lost
    /// rows would find such files. One process sweeps at a time; others do nothing meanwhile.
    /// </summary>
    public async Task<SweepResult> SweepAsync(DateTimeOffset putBefore, bool withoutLimit, CancellationToken cancellationToken)
    {
        await uploads.ForgetExpiredAsync(cancellationToken);
        await using NpgsqlConnection turn = await source.OpenConnectionAsync(cancellationToken);
        if (!await AskAsync(turn, "SELECT pg_try_advisory_lock(hashtextextended('sweep', 0))", cancellationToken))
        {
            return new SweepResult(0);
        }

        try
        {
            SweepResult result = await SweepAloneAsync(putBefore, withoutLimit, cancellationToken);
            await using NpgsqlCommand record = source.CreateCommand("UPDATE results_store SET swept_at = now(), sweep_problem = $1");
            record.Parameters.Add(
                new NpgsqlParameter { Value = (object?)result.Problem ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
            );
            await record.ExecuteNonQueryAsync(cancellationToken);
            return result;
        }
        finally
        {
            await AskAsync(turn, "SELECT pg_advisory_unlock(hashtextextended('sweep', 0))", CancellationToken.None);
        }
    }

    private async Task<SweepResult> SweepAloneAsync(DateTimeOffset putBefore, bool withoutLimit, CancellationToken cancellationToken)
    {
        StoreOwner owner = await ownership.LookAsync(cancellationToken);
        if (ResultsOwnership.ProblemOf(owner) is { } problem)
        {
            return new SweepResult(0, problem);
        }

        if (owner == StoreOwner.Nobody)
        {
            Unnamed all = await FindUnnamedAsync(DateTimeOffset.MaxValue, cancellationToken);
            if (all.Unknown > 0)
            {
                return new SweepResult(
                    0,
                    $"The results store has no owner yet and holds {all.Unknown} files, of {all.Files}, that this database does not know: "
                        + "nothing is deleted. If no other database uses the store, run 'results adopt'."
                );
            }
        }

        // A copy of this database must not sweep after it with the same mark
        owner = owner == StoreOwner.Nobody ? await ownership.ClaimAsync(cancellationToken) : await ownership.RenewAsync(cancellationToken);
        if (ResultsOwnership.ProblemOf(owner) is { } other)
        {
            return new SweepResult(0, other);
        }

        await results.RecoverAsync(putBefore, cancellationToken);
        Unnamed unnamed = await FindUnnamedAsync(putBefore, cancellationToken);
        if (!withoutLimit && unnamed.Unknown > MostUnknownFiles && unnamed.Unknown > unnamed.Files * MostUnknownShare)
        {
            return new SweepResult(
                0,
                $"{unnamed.Unknown} of the results store's {unnamed.Files} files are named by nothing in this database and never were, "
                    + "which "
                    + $"is more than {MostUnknownFiles} and more than {MostUnknownShare:P0}: nothing is deleted. If the database is "
                    + "whole (not "
                    + "restored from an older state, not cut), run 'results sweep --without-limit' to delete them."
            );
        }

        int deleted = 0;
        foreach (string[] names in unnamed.Names.Chunk(RoundSize))
        {
            deleted += await DeleteAsync(names, putBefore, cancellationToken);
        }

        // Of files that were not in the store when they were let go, or are another's again
        await using NpgsqlCommand old = source.CreateCommand("DELETE FROM released_files WHERE released_at < now() - interval '30 days'");
        await old.ExecuteNonQueryAsync(cancellationToken);
        return new SweepResult(deleted);
    }

    /// <summary>Lists the files that were put before <paramref name="putBefore"/> and to which nothing refers.</summary>
    private async Task<Unnamed> FindUnnamedAsync(DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        var found = new Unnamed();
        var batch = new List<string>(RoundSize);
        await foreach (StoredFile file in results.ListAsync(cancellationToken))
        {
            found.Files++;
            if (file.ModifiedAt < putBefore)
            {
                batch.Add(file.Sha256);
            }

            if (batch.Count == RoundSize)
            {
                await LookUpAsync(batch);
                batch.Clear();
            }
        }

        await LookUpAsync(batch);
        return found;

        async Task LookUpAsync(List<string> names)
        {
            foreach ((string name, bool known) in await OrphansAsync([.. names], cancellationToken))
            {
                found.Unknown += known ? 0 : 1;
                if (found.Names.Count < MostHeld)
                {
                    found.Names.Add(name);
                }
            }
        }
    }

    private async Task<List<(string Name, bool Known)>> OrphansAsync(string[] names, CancellationToken cancellationToken)
    {
        var orphans = new List<(string, bool)>();
        // One value, which is an array; uncast, its elements would be the values
        await using NpgsqlCommand command = OrphansSql.On(source, (object)names);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            orphans.Add((reader.GetString(0), reader.GetBoolean(1)));
        }

        return orphans;
    }

    private async Task<int> DeleteAsync(string[] names, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        int deleted = 0;
        // Once more: something may name them since they were found
        string[] orphans = [.. (await OrphansAsync(names, cancellationToken)).Select(orphan => orphan.Name)];
        foreach (string orphan in orphans)
        {
            // A job may have put the same bytes since they were listed, and not have named them yet
            deleted += await results.DeleteOldAsync(orphan, putBefore, cancellationToken) ? 1 : 0;
        }

        await using NpgsqlCommand forget = source.CreateCommand("DELETE FROM released_files WHERE sha256 = ANY ($1)");
        forget.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = orphans });
        await forget.ExecuteNonQueryAsync(cancellationToken);
        return deleted;
    }

    private static async Task<bool> AskAsync(NpgsqlConnection connection, string question, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(question, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private sealed class Unnamed
    {
        /// <summary>The number of all files in the store.</summary>
        public int Files { get; set; }

        /// <summary>The number of those to which this database has never referred.</summary>
        public int Unknown { get; set; }

        public List<string> Names { get; } = [];
    }
}
