using System.Diagnostics;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>
/// A few connections, each with a server process that runs one large statement again and again, with its plan and its caches at hand. In a
/// pool that many share, each transaction would get the connection that was idle the longest.
/// </summary>
internal sealed class DedicatedPool(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>The number of transactions at a time: one is written to disk while the next is prepared.</summary>
    public const int Width = 2;

    /// <summary>How long a connection may be idle before it is checked.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(200);

    private long _used;

    /// <summary>
    /// Opens a connection on which the server answers. One that was idle may have lost its server process, for example with a restart of
    /// the database; nobody else's use of these few connections would have shown it, and what is sent on it could not be sent again,
    /// because it would not be known whether it was done.
    /// </summary>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        bool rested = Stopwatch.GetElapsedTime(Interlocked.Exchange(ref _used, Stopwatch.GetTimestamp())) > Rest;
        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        if (!rested || await AnswersAsync(connection, cancellationToken))
        {
            return connection;
        }

        await connection.DisposeAsync();
        source.Clear();
        return await source.OpenConnectionAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private static async Task<bool> AnswersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlCommand command = new("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>Separate connections for each kind of statement that is run in groups.</summary>
/// <param name="open">Opens a source of so many connections.</param>
public sealed class DedicatedPools(Func<int, NpgsqlDataSource> open) : IAsyncDisposable
{
    internal DedicatedPool Submits { get; } = new(open(DedicatedPool.Width));

    internal DedicatedPool Claims { get; } = new(open(DedicatedPool.Width));

    internal DedicatedPool Completions { get; } = new(open(DedicatedPool.Width));

    public async ValueTask DisposeAsync()
    {
        await Submits.DisposeAsync();
        await Claims.DisposeAsync();
        await Completions.DisposeAsync();
    }
}
