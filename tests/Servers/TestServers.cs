using Generation.Cli.Servers;
using Generation.Storage;
using Npgsql;
using StackExchange.Redis;

namespace Generation.Tests;

/// <summary>
/// Real servers for tests: those of the whole run where `./generation test` names them in the environment,
/// else private ones, started when a test first asks and gone when the test process ends.
/// </summary>
internal static class TestServers
{
    private static readonly Lazy<Task<PrivateServers>> Started = new(StartAsync);

    /// <summary>An empty database, a Redis database and a virtual host for one fixture.</summary>
    public static async Task<TestScope> NewScopeAsync(CancellationToken token = default)
    {
        PrivateServers servers = await Started.Value.WaitAsync(token);
        string name = $"test-{Guid.NewGuid():N}";
        await using (var connection = new NpgsqlConnection(servers.Postgres.ConnectionStringOf("postgres")))
        {
            await connection.OpenAsync(token);
            await using var create = new NpgsqlCommand($"create database \"{name}\"", connection);
            await create.ExecuteNonQueryAsync(token);
        }

        await servers.RabbitMq.AddVirtualHostAsync(name, token);
        return new TestScope(servers, name)
        {
            Postgres = servers.Postgres.ConnectionStringOf(name),
            Redis = $"{servers.Redis.ConnectionString},defaultDatabase={await NextRedisDatabaseAsync(servers.Redis.ConnectionString)}",
            RabbitMq = servers.RabbitMq.ConnectionStringOf(name),
        };
    }

    private static async Task<PrivateServers> StartAsync()
    {
        bool isGiven = Environment.GetEnvironmentVariable("GENERATION_TEST_SERVERS") is { Length: > 0 };
        DataFolder folder = isGiven
            ? DataFolder.At(Environment.GetEnvironmentVariable("GENERATION_TEST_SERVERS")!)
            : DataFolder.Temporary("test");
        var servers = new PrivateServers(folder, new ServerSettings(Durable: false));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(6));
        try
        {
            await servers.EnsureAsync(started: null, limit.Token);
        }
        catch (ServerException e)
        {
            throw new InvalidOperationException($"No servers for tests: {e.Message}\n{e.LogTail}", e);
        }

        return servers;
    }

    /// <summary>Redis counts its databases up in database 0, over all test processes of a run.</summary>
    private static async Task<long> NextRedisDatabaseAsync(string connectionString)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(connectionString);
                return 1 + (await redis.GetDatabase(0).StringIncrementAsync("test:databases") % 1023);
            }
            catch (Exception e) when (RedisConnection.IsTrouble(e) && attempt < 10)
            {
                // The client gives up after five seconds, and the machine may stand still for as long
            }
        }
    }
}

/// <summary>What one fixture has to itself. Disposing drops the database and the virtual host.</summary>
internal sealed class TestScope(PrivateServers servers, string name) : IAsyncDisposable
{
    /// <summary>Npgsql's connection string of an empty database.</summary>
    public required string Postgres { get; init; }

    /// <summary>StackExchange.Redis's connection string, with a logical database of its own (channels are shared).</summary>
    public required string Redis { get; init; }

    /// <summary>amqp://user:password@host:port/virtual-host, the virtual host empty.</summary>
    public required string RabbitMq { get; init; }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await servers.RabbitMq.DropVirtualHostAsync(name, limit.Token);
        await using var connection = new NpgsqlConnection(servers.Postgres.ConnectionStringOf("postgres"));
        await connection.OpenAsync(limit.Token);
        await using var drop = new NpgsqlCommand($"drop database if exists \"{name}\" with (force)", connection);
        await drop.ExecuteNonQueryAsync(limit.Token);
    }
}
