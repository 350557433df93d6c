using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>Connections of their own for each kind of what is written together.</summary>
/// <param name="open">Opens a source of so many connections.</param>
public sealed class Lanes(Func<int, NpgsqlDataSource> open) : IAsyncDisposable
{
    internal Lane Submits { get; } = new(open(Lane.Width));

    internal Lane Claims { get; } = new(open(Lane.Width));

    internal Lane Completions { get; } = new(open(Lane.Width));

    public async ValueTask DisposeAsync()
    {
        await Submits.DisposeAsync();
        await Claims.DisposeAsync();
        await Completions.DisposeAsync();
    }
}
