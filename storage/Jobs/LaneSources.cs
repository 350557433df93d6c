using Npgsql;

namespace Generation.Storage;

/// <summary>
/// Connections of their own for what is written together, as many as there are lanes: each has a server process that carries out
/// one large statement again and again, with its plan and its caches at hand. Out of a pool that many share, each
/// transaction would go to the connection that has rested the longest.
/// </summary>
/// <param name="open">Opens a source of so many connections.</param>
public sealed class LaneSources(Func<int, NpgsqlDataSource> open) : IAsyncDisposable
{
    /// <summary>Transactions of a kind at a time: one is written to disk while the next is worked on.</summary>
    internal const int Lanes = 2;

    internal NpgsqlDataSource Submits { get; } = open(Lanes);

    internal NpgsqlDataSource Claims { get; } = open(Lanes);

    internal NpgsqlDataSource Completions { get; } = open(Lanes);

    public async ValueTask DisposeAsync()
    {
        await Submits.DisposeAsync();
        await Claims.DisposeAsync();
        await Completions.DisposeAsync();
    }
}
