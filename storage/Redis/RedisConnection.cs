using System.ComponentModel.DataAnnotations;
using Generation.Storage.Passwords;
using Generation.Storage.Tls;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using StackExchange.Redis.Availability;

namespace Generation.Storage.Redis;

/// <summary>The settings of Redis: configuration section "Redis" (the address is ConnectionStrings:Redis).</summary>
public sealed record RedisOptions
{
    public const string Section = "Redis";

    /// <summary>A prefix of every key and channel, so that several systems can share one Redis.</summary>
    public string KeyPrefix { get; init; } = "";

    /// <summary>How long a poll waits for Redis, in milliseconds, before it asks PostgreSQL.</summary>
    [Range(5, 60_000)]
    public int TimeoutMilliseconds { get; init; } = 250;

    /// <summary>
    /// How long an open job's document is kept, in seconds: the longest time for which polls may show it if a change did not reach Redis.
    /// </summary>
    [Range(1, 3600)]
    public int OpenSeconds { get; init; } = 15;

    /// <summary>How long a finished job's document is kept, in seconds.</summary>
    [Range(1, 86_400)]
    public int FinalSeconds { get; init; } = 600;
}

/// <summary>The one connection of this process to Redis, which is made at its first use and reconnects by itself.</summary>
public sealed class RedisConnection : IAsyncDisposable
{
    private readonly Lazy<Task<Connected>> _connection;

    /// <param name="address">The address, in StackExchange.Redis's form.</param>
    /// <param name="trust">
    /// Decides which certificates are trusted where the address says ssl=true; null to trust the system's authorities.
    /// </param>
    /// <param name="passwords">Gives the password that the address leaves out; null where there is none.</param>
    public RedisConnection(string address, ServerTrust? trust = null, ServerPasswords? passwords = null)
    {
        var settings = ConfigurationOptions.Parse(address);
        // Redis may come later than we do, and go and come back
        settings.AbortOnConnectFail = false;
        settings.ConnectTimeout = 2000;
        settings.AsyncTimeout = 2000;
        if (trust is not null)
        {
            settings.CertificateValidation += trust.Check;
        }

        if (settings.Password is null or "" && passwords?.Find(ServerPasswords.Redis) is not null)
        {
            settings.Defaults = new ServerPasswords.ForRedis(passwords);
        }

        // While Redis is away, whoever reads asks PostgreSQL at once; what is written is tried again
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        _connection = new Lazy<Task<Connected>>(() => ConnectAsync(settings));
    }

    /// <summary>Whether an exception means that Redis is away or slow, and not that the call was wrong.</summary>
    public static bool IsTrouble(Exception e) => e is RedisException or TimeoutException or ObjectDisposedException;

    public async Task<ConnectionMultiplexer> ConnectAsync(CancellationToken cancellationToken) =>
        (await _connection.Value.WaitAsync(cancellationToken)).Multiplexer;

    /// <summary>Returns the database. Waits for the connection at the first use only.</summary>
    public ValueTask<IDatabase> DatabaseAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        _connection.Value is { IsCompletedSuccessfully: true } connected
            ? new ValueTask<IDatabase>(connected.Result.Database)
            : FirstDatabaseAsync(limit, cancellationToken);

    public ValueTask<IDatabase> DatabaseAsync(CancellationToken cancellationToken) =>
        DatabaseAsync(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>
    /// Returns the database for commands that nobody waits for: where the connection breaks, those whose flags say that they may run twice
    /// are tried three times within some seconds.
    /// </summary>
    public async ValueTask<IDatabaseAsync> RetryingDatabaseAsync() => (await _connection.Value).Retrying;

    public async ValueTask DisposeAsync()
    {
        if (_connection is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await _connection.Value).Multiplexer.CloseAsync();
        }
    }

    private static async Task<Connected> ConnectAsync(ConfigurationOptions settings)
    {
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(settings);
        IDatabase database = multiplexer.GetDatabase();
        return new Connected(multiplexer, database, database.WithRetry(RetryPolicy.Default));
    }

    private async ValueTask<IDatabase> FirstDatabaseAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        (await _connection.Value.WaitAsync(limit, cancellationToken)).Database;

    private sealed record Connected(ConnectionMultiplexer Multiplexer, IDatabase Database, IDatabaseAsync Retrying);
}

/// <summary>The log messages about Redis. No prompt and no key is ever an argument.</summary>
internal static partial class RedisLog
{
    [LoggerMessage(3, LogLevel.Warning, "Redis does not take what changes; polls are answered from PostgreSQL: {Reason}")]
    public static partial void Failed(ILogger logger, string reason);
}
