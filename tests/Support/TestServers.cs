using Generation.Hosting;
using Generation.Hosting.Servers;
using Npgsql;
using NUnit.Framework.Interfaces;
using StackExchange.Redis;

namespace Generation.TestSupport;

/// <summary>
/// Real servers for tests, private ones from this machine's packages or, where GENERATION_TEST_SERVERS says so, in containers:
/// started when a test first asks and gone when the test process ends.
/// </summary>
public static class TestServers
{
    private static readonly Lazy<ITestServers> Way = new(() =>
        TestServersSetting.InContainers ? new ContainerTestServers() : new PrivateTestServers()
    );

    private static readonly Lazy<Task<IServers>> Started = new(StartAsync);

    /// <summary>A database, a Redis database and a virtual host for one fixture.</summary>
    /// <param name="migrated">Whether the database has this version's schema; otherwise it is empty.</param>
    /// <param name="broker">Whether there is a virtual host.</param>
    /// <param name="token">Ends the wait.</param>
    public static Task<TestScope> NewScopeAsync(bool migrated = true, bool broker = true, CancellationToken token = default) =>
        NewScopeAsync(
            (servers, name) =>
                migrated
                    ? MigratedDatabase.CreateAsync(servers, name, token)
                    : TestScope.ExecuteAsync(servers, $"create database \"{name}\"", token),
            broker,
            token
        );

    /// <summary>A copy of the database of <paramref name="copied"/>, to which nobody may be connected, and a Redis database.</summary>
    public static Task<TestScope> CopyScopeAsync(TestScope copied, CancellationToken token = default) =>
        NewScopeAsync(
            (servers, name) => CopyAsync(servers, $"create database \"{name}\" template \"{copied.Name}\"", token),
            broker: false,
            token
        );

    /// <summary>Of a database that is copied, the server knows for a moment still the connections that were just closed.</summary>
    private static async Task CopyAsync(IServers servers, string sql, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                await TestScope.ExecuteAsync(servers, sql, limit.Token);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }

    private static async Task<TestScope> NewScopeAsync(Func<IServers, string, Task> makeDatabase, bool broker, CancellationToken token)
    {
        IServers servers = await Started.Value.WaitAsync(token);
        string name = $"test-{Guid.NewGuid():N}";
        await Task.WhenAll(makeDatabase(servers, name), broker ? servers.RabbitMq.AddVirtualHostAsync(name, token) : Task.CompletedTask);
        return new TestScope(servers, name, broker)
        {
            Postgres = new NpgsqlConnectionStringBuilder(servers.Postgres.ConnectionString) { Database = name }.ConnectionString,
            Redis = $"{servers.Redis.ConnectionString},defaultDatabase={await NextRedisDatabaseAsync(servers.Redis.ConnectionString)}",
        };
    }

    /// <summary>PostgreSQL, Redis and RabbitMQ for one stack in that folder, not started yet.</summary>
    public static IServers NewServers(DataFolder folder) => Way.Value.NewServers(folder);

    /// <summary>An S3 server for one fixture.</summary>
    public static Task<IS3Server> StartS3Async(CancellationToken token = default) => Way.Value.StartS3Async(token);

    internal static Task EndAsync() => Way.IsValueCreated ? Way.Value.EndAsync() : Task.CompletedTask;

    private static async Task<IServers> StartAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(6));
        IServers servers = Way.Value.Shared;
        try
        {
            await servers.EnsureAsync(started: null, limit.Token);
        }
        catch (ServerException e)
        {
            // A failed test shows no more of an exception than its message
            throw new InvalidOperationException($"No servers for tests: {e.Message}\n{e.LogTail}", e);
        }

        return servers;
    }

    /// <summary>Redis counts its databases up in database 0, over all test processes of a run.</summary>
    private static async Task<long> NextRedisDatabaseAsync(string connectionString)
    {
        // The machine may stand still for some seconds
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(
            connectionString + ",connectTimeout=60000,asyncTimeout=60000"
        );
        return 1 + (await redis.GetDatabase(0).StringIncrementAsync("test:databases") % 1023);
    }
}

/// <summary>What one fixture has to itself. Disposing drops the database and the virtual host.</summary>
public sealed class TestScope : IAsyncDisposable
{
    private readonly IServers _servers;
    private readonly bool _broker;

    internal TestScope(IServers servers, string name, bool broker) => (_servers, Name, _broker) = (servers, name, broker);

    /// <summary>Of the database and of the virtual host.</summary>
    internal string Name { get; }

    /// <summary>This scope as the servers of a stack whose tests neither stop nor kill them.</summary>
    public IServers Servers => new ScopeServers(_servers, this);

    /// <summary>Npgsql's connection string of its database.</summary>
    public required string Postgres { get; init; }

    /// <summary>StackExchange.Redis's connection string, with a logical database of its own (channels are shared).</summary>
    public required string Redis { get; init; }

    /// <summary>amqp://user:password@host:port/virtual-host, the virtual host empty.</summary>
    /// <exception cref="InvalidOperationException">The scope has none.</exception>
    public string RabbitMq =>
        _broker
            ? new Uri(new Uri(_servers.RabbitMq.ConnectionString), Name).AbsoluteUri
            : throw new InvalidOperationException("This scope has no virtual host.");

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await Task.WhenAll(
            _broker ? _servers.RabbitMq.DropVirtualHostAsync(Name, limit.Token) : Task.CompletedTask,
            ExecuteAsync(_servers, $"drop database if exists \"{Name}\" with (force)", limit.Token)
        );
    }

    /// <summary>A connection to the database that every server has.</summary>
    internal static async Task<NpgsqlConnection> ConnectAsync(IServers servers, CancellationToken token)
    {
        var address = new NpgsqlConnectionStringBuilder(servers.Postgres.ConnectionString) { Database = "postgres" };
        var connection = new NpgsqlConnection(address.ConnectionString);
        await connection.OpenAsync(token);
        return connection;
    }

    /// <summary>Runs a statement there.</summary>
    internal static async Task ExecuteAsync(IServers servers, string sql, CancellationToken token)
    {
        await using NpgsqlConnection connection = await ConnectAsync(servers, token);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(token);
    }
}

/// <summary>On an assembly: removes its servers after its last test.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class EndsTestServersAttribute : Attribute, ITestAction
{
    public ActionTargets Targets => ActionTargets.Suite;

    public void BeforeTest(ITest test) { }

    public void AfterTest(ITest test)
    {
        if (test.TestType == "Assembly")
        {
            TestServers.EndAsync().GetAwaiter().GetResult();
        }
    }
}
