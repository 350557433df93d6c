using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Results;

/// <summary>
/// Determines which database owns the results store. The store carries a mark that names its owner's database, and the database knows which
/// mark it wrote. Where two databases use one store (one was restored or cloned, or its settings were mistyped), only the owner puts files,
/// and no file is deleted that the other may refer to. The first database that puts a file into an empty store is its owner.
/// </summary>
public sealed class ResultsOwnership(NpgsqlDataSource source, IResultsStore store, TimeProvider time) : IDisposable
{
    /// <summary>How long a result of a look at the store is used.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private const string Lock = "SELECT pg_advisory_lock(hashtextextended('results store mark', 0))";
    private const string Unlock = "SELECT pg_advisory_unlock(hashtextextended('results store mark', 0))";

    /// <summary>Lets one of many concurrent callers look at the store.</summary>
    private readonly SemaphoreSlim _turn = new(1, 1);

    private volatile Seen? _seen;

    /// <summary>Says what is wrong with an owner of this kind, and what to do; null if nothing is wrong.</summary>
    public static string? ProblemOf(StoreOwner owner) =>
        owner switch
        {
            StoreOwner.Missing =>
                "The results store does not carry the mark that this database gave it: it is another folder or bucket than "
                    + "before, or its disk is not mounted. Put that right; or, if the store is meant to begin anew, run 'results adopt'.",
            StoreOwner.Another =>
                "The results store belongs to another database, or to the one that this database was restored or copied from: "
                    + "nothing is put there and nothing deleted. Let Results name a store of this database's own; or, if the other "
                    + "database is out "
                    + "of use, run 'results adopt'.",
            StoreOwner.Contested =>
                "A copy of this database uses the results store, too, or this database was set back to an earlier state: "
                    + "nothing is deleted there. Stop the copy, then run 'results adopt' for the database that is to go on.",
            _ => null,
        };

    /// <summary>Looks at the store and at the database.</summary>
    /// <exception cref="ResultsStoreException">The store does not answer.</exception>
    public async Task<StoreOwner> LookAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await using NpgsqlConnection connection = await source.OpenConnectionAsync(limit.Token);
            StoreOwner owner = await LookAsync(connection, limit.Token);
            if (owner == StoreOwner.Contested)
            {
                owner = await ContestAsync(connection, limit.Token);
            }

            _seen = new Seen(owner, time.GetTimestamp());
            return owner;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ResultsStoreException($"Whose the results store is could not be found out within {Limit.TotalSeconds} s.", e);
        }
    }

    /// <summary>Checks that files may be put. This database becomes the owner of an empty store without one.</summary>
    /// <exception cref="ResultsStoreException">The store does not belong to this database, or does not answer.</exception>
    public async Task EnsureMayPutAsync(CancellationToken cancellationToken)
    {
        if (await OwnerAsync(claim: true, cancellationToken) is (StoreOwner.Missing or StoreOwner.Another) and var owner)
        {
            throw new ResultsStoreException(ProblemOf(owner)!);
        }
    }

    /// <summary>Checks that a file may be deleted to which only a job of this database can refer.</summary>
    /// <exception cref="ResultsStoreException">The store does not belong to this database alone, or does not answer.</exception>
    public async Task EnsureMayDeleteAsync(CancellationToken cancellationToken)
    {
        if (ProblemOf(await OwnerAsync(claim: false, cancellationToken)) is { } problem)
        {
            throw new ResultsStoreException(problem);
        }
    }

    /// <summary>
    /// Makes this database the owner of a store that has none, and returns who owns it afterwards. An existing owner is kept.
    /// </summary>
    public Task<StoreOwner> ClaimAsync(CancellationToken cancellationToken) =>
        ChangeAsync(StoreOwner.Nobody, replace: false, cancellationToken);

    /// <summary>Makes this database the owner of the store, whoever owned it before, and returns who did. This is for operators.</summary>
    public async Task<StoreOwner> AdoptAsync(CancellationToken cancellationToken)
    {
        StoreOwner before = await LookAsync(cancellationToken);
        await ChangeAsync(only: null, replace: true, cancellationToken);
        await using NpgsqlCommand settled = source.CreateCommand("UPDATE results_store SET sweep_problem = NULL");
        await settled.ExecuteNonQueryAsync(cancellationToken);
        return before;
    }

    /// <summary>
    /// Gives the store a new mark, if it belongs to this database. From then on a copy of this database knows only an old mark.
    /// </summary>
    /// <returns>Who owns the store.</returns>
    public Task<StoreOwner> RenewAsync(CancellationToken cancellationToken) =>
        ChangeAsync(StoreOwner.Ours, replace: true, cancellationToken);

    public void Dispose() => _turn.Dispose();

    /// <summary>Returns the last result, or looks again if that is too old.</summary>
    /// <param name="claim">Whether this database becomes the owner of an empty store without one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async Task<StoreOwner> OwnerAsync(bool claim, CancellationToken cancellationToken)
    {
        if (IsOurs())
        {
            return StoreOwner.Ours;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (IsOurs())
            {
                return StoreOwner.Ours;
            }

            StoreOwner owner = await LookAsync(cancellationToken);
            return claim && owner == StoreOwner.Nobody && await IsEmptyAsync(cancellationToken)
                ? await ClaimAsync(cancellationToken)
                : owner;
        }
        catch (Exception e) when (claim && _seen is not null && IsAway(e))
        {
            // A finished file is put also while the database is away or hangs; what is stored is named, or swept, when it is back
            return _seen.Owner;
        }
        finally
        {
            _turn.Release();
        }

        bool IsOurs() => _seen is { Owner: StoreOwner.Ours } seen && time.GetElapsedTime(seen.At) < Fresh;
    }

    private static bool IsAway(Exception e) => e is NpgsqlException or ResultsStoreException { InnerException: OperationCanceledException };

    private async Task<bool> IsEmptyAsync(CancellationToken cancellationToken)
    {
        await foreach (StoredFile _ in store.ListAsync(cancellationToken))
        {
            return false;
        }

        return true;
    }

    private async Task<StoreOwner> LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        const int Looks = 3;
        for (int look = 1; ; look++)
        {
            OwnMarks own = await OwnAsync(connection, cancellationToken);
            byte[]? document = await store.ReadDocumentAsync(StoreMark.Document, cancellationToken);
            StoreOwner owner = document is null ? own.OfUnmarked : own.Of(StoreMark.Read(document));
            // A sweep may have changed the mark between the two looks
            if (owner != StoreOwner.Contested || look == Looks)
            {
                return owner;
            }
        }
    }

    /// <summary>
    /// Writes into the store that its owner is in doubt, so that the other database, whose mark it carries, finds a mark that is not its
    /// own and does not delete files either.
    /// </summary>
    private async Task<StoreOwner> ContestAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, Lock, cancellationToken);
        try
        {
            StoreOwner owner = await LookAsync(connection, cancellationToken);
            if (
                owner == StoreOwner.Contested
                && await store.ReadDocumentAsync(StoreMark.Document, cancellationToken) is { } document
                && StoreMark.Read(document) is { Contested: false } mark
            )
            {
                StoreMark doubt = mark with { Mark = Guid.NewGuid(), Contested = true, WrittenAt = time.GetUtcNow() };
                await store.WriteDocumentAsync(StoreMark.Document, doubt.ToBytes(), replace: true, cancellationToken);
            }

            return owner;
        }
        finally
        {
            await ExecuteAsync(connection, Unlock, CancellationToken.None);
        }
    }

    /// <summary>
    /// Gives the store a new mark if its owner is <paramref name="only"/>. The database records the new mark before the store carries it,
    /// and keeps the old one until then: whenever the process dies, the store carries one of the two.
    /// </summary>
    private async Task<StoreOwner> ChangeAsync(StoreOwner? only, bool replace, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, Lock, cancellationToken);
        try
        {
            StoreOwner owner = await LookAsync(connection, cancellationToken);
            if (only is null || owner == only)
            {
                await ChangeAsync(connection, owner, replace, cancellationToken);
                // Where a server does not know the condition, two that claim at once both seem to have won; the store carries one mark
                owner = await LookAsync(connection, cancellationToken);
                _seen = new Seen(owner, time.GetTimestamp());
            }

            return owner;
        }
        finally
        {
            await ExecuteAsync(connection, Unlock, CancellationToken.None);
        }
    }

    private async Task ChangeAsync(NpgsqlConnection connection, StoreOwner owner, bool replace, CancellationToken cancellationToken)
    {
        OwnMarks own = await OwnAsync(connection, cancellationToken);
        byte[]? document = await store.ReadDocumentAsync(StoreMark.Document, cancellationToken);
        Guid? carried = owner == StoreOwner.Ours && document is not null ? StoreMark.Read(document).Mark : own.Mark;
        var next = new StoreMark(own.Database, own.Instance, Guid.NewGuid(), false, time.GetUtcNow());
        await SetMarksAsync(connection, carried, next.Mark, cancellationToken);
        bool written = await store.WriteDocumentAsync(StoreMark.Document, next.ToBytes(), replace, cancellationToken);
        await SetMarksAsync(connection, written ? next.Mark : carried, null, cancellationToken);
    }

    private static async Task<OwnMarks> OwnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT database, (SELECT system_identifier::text FROM pg_control_system()) || '-'
                || (SELECT oid::text FROM pg_database WHERE datname = current_database()), mark, next_mark
            FROM results_store
            """,
            connection
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new OwnMarks(
                reader.GetGuid(0),
                reader.GetString(1),
                reader.IsDBNull(2) ? null : reader.GetGuid(2),
                reader.IsDBNull(3) ? null : reader.GetGuid(3)
            )
            : throw new InvalidOperationException("The table results_store has no row; the database is not as the migrations made it.");
    }

    private static async Task SetMarksAsync(NpgsqlConnection connection, Guid? mark, Guid? next, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("UPDATE results_store SET mark = $1, next_mark = $2", connection);
        foreach (Guid? value in new[] { mark, next })
        {
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Seen(StoreOwner Owner, long At);

    /// <summary>What the database has recorded: its own name, its server, and the marks of which the store carries one.</summary>
    private sealed record OwnMarks(Guid Database, string Instance, Guid? Mark, Guid? NextMark)
    {
        public StoreOwner OfUnmarked => Mark is null ? StoreOwner.Nobody : StoreOwner.Missing;

        public StoreOwner Of(StoreMark mark) =>
            mark.Database != Database || mark.Instance != Instance ? StoreOwner.Another
            : mark.Mark == Mark || mark.Mark == NextMark ? StoreOwner.Ours
            : StoreOwner.Contested;
    }
}
