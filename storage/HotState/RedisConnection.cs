using StackExchange.Redis;

namespace Generation.Storage;

/// <summary>The one connection of this process to Redis, made at first use; it reconnects by itself.</summary>
public sealed class RedisConnection : IAsyncDisposable
{
    private readonly Lazy<Task<ConnectionMultiplexer>> _connection;

    public RedisConnection(string address)
    {
        ConfigurationOptions settings = ConfigurationOptions.Parse(address);
        // Redis may come later than we do, and go and come back
        settings.AbortOnConnectFail = false;
        settings.ConnectTimeout = 2000;
        settings.SyncTimeout = 2000;
        _connection = new Lazy<Task<ConnectionMultiplexer>>(() => ConnectionMultiplexer.ConnectAsync(settings));
    }

    /// <summary>Whether an exception means that Redis is away or slow, and not that we are wrong.</summary>
    public static bool IsTrouble(Exception e) =>
        e is RedisException or TimeoutException or ObjectDisposedException or IOException or System.Net.Sockets.SocketException;

    public Task<ConnectionMultiplexer> ConnectAsync(CancellationToken cancellationToken) =>
        _connection.Value.IsCompletedSuccessfully ? _connection.Value : _connection.Value.WaitAsync(cancellationToken);

    /// <summary>Waits at the first use only.</summary>
    public ValueTask<IDatabase> DatabaseAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        _connection is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } connected }
            ? new ValueTask<IDatabase>(connected.Result.GetDatabase())
            : ConnectedAsync(limit, cancellationToken);

    public ValueTask<IDatabase> DatabaseAsync(CancellationToken cancellationToken) => DatabaseAsync(Timeout.InfiniteTimeSpan, cancellationToken);

    private async ValueTask<IDatabase> ConnectedAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        (await _connection.Value.WaitAsync(limit, cancellationToken)).GetDatabase();

    public async ValueTask DisposeAsync()
    {
        if (_connection is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await _connection.Value).CloseAsync();
        }
    }
}
