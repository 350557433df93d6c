using System.Diagnostics;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>
/// A few connections, each with a server process that carries out one large statement again and again, with its plan and its
/// caches at hand. Out of a pool that many share, each transaction would go to the connection that has rested the longest.
/// </summary>
internal sealed class DedicatedPool(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>Transactions at a time: one is written to disk while the next is worked on.</summary>
    public const int Width = 2;

    /// <summary>After so long without use it is asked whether the server still knows the connection.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(200);

    private long _used;

    /// <summary>
    /// A connection that the server answers on. One that rested may have lost its server process, with a restart of the database
    /// perhaps; nobody else's use of these few would have shown it, and what is sent on it could not be sent again, since
    /// whether it was done is not known.
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

/// <summary>Connections of their own for each kind of what is written together.</summary>
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
