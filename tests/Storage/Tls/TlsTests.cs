using Generation.Storage.Database;
using Generation.Storage.Redis;
using Generation.Storage.Tls;
using Generation.TestSupport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using StackExchange.Redis;

namespace Generation.Storage.Tests.Tls;

/// <summary>PostgreSQL and Redis by TLS, under an authority of the test's own: real servers, with TLS in front of them.</summary>
public sealed class TlsTests
{
    private TlsScope _tls = null!;

    [OneTimeSetUp]
    public async Task CreateServers() => _tls = await TlsScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropServers() => await _tls.DisposeAsync();

    [Test]
    public async Task Postgres_WithTheAuthorityInTheSettings_IsReachedByTls()
    {
        var address = new NpgsqlConnectionStringBuilder(_tls.Servers.Postgres);
        using var proxy = new TlsProxy(address.Host!, address.Port, _tls.Trusted(), isPostgres: true);
        await using ServiceProvider services = Services(_tls.AuthorityFile, Postgres(proxy.Port));

        await services.GetRequiredService<Migrator>().MigrateAsync(default);

        Assert.That(await services.GetRequiredService<Migrator>().PendingAsync(default), Is.Empty);
        Assert.That(proxy.Connections, Is.GreaterThan(0));
    }

    [Test]
    public async Task Postgres_OfAnotherAuthorityOrHost_IsNotTrusted([Values] bool isStranger)
    {
        var address = new NpgsqlConnectionStringBuilder(_tls.Servers.Postgres);
        using var proxy = new TlsProxy(address.Host!, address.Port, _tls.Untrusted(isStranger), isPostgres: true);
        await using ServiceProvider services = Services(_tls.AuthorityFile, Postgres(proxy.Port));

        NpgsqlDataSource source = services.GetRequiredService<NpgsqlDataSource>();
        Assert.That(async () => await source.OpenConnectionAsync(), Throws.InstanceOf<NpgsqlException>());
    }

    [Test]
    public async Task Redis_WithTheAuthorityInTheSettings_IsReachedByTls()
    {
        using TlsProxy proxy = RedisProxy(_tls.Trusted());
        await using ServiceProvider services = Services(_tls.AuthorityFile, Redis(proxy.Port));

        IDatabase database = await services.GetRequiredService<RedisConnection>().DatabaseAsync(TimeSpan.FromMinutes(1), default);
        await EventuallyAsync(async () => await database.PingAsync() > TimeSpan.Zero);

        Assert.That(proxy.Connections, Is.GreaterThan(0));
    }

    [Test]
    public async Task Redis_OfAnotherAuthorityOrHost_IsNotTrusted([Values] bool isStranger)
    {
        using TlsProxy proxy = RedisProxy(_tls.Untrusted(isStranger));
        await using ServiceProvider services = Services(_tls.AuthorityFile, Redis(proxy.Port));

        IDatabase database = await services.GetRequiredService<RedisConnection>().DatabaseAsync(TimeSpan.FromMinutes(1), default);

        Assert.That(async () => await database.PingAsync(), Throws.InstanceOf<RedisException>());
    }

    [Test]
    public void AuthorityFile_ThatIsNotThereOrHasNoCertificate_SaysSo()
    {
        string empty = Path.Combine(_tls.Folder, "empty.pem");
        File.WriteAllText(empty, "no certificate");

        string gone = Path.Combine(_tls.Folder, "gone.pem");
        Assert.That(() => ServerTrust.Of(Settings(gone)), Throws.InvalidOperationException.With.Message.Contain("Tls:AuthorityFile"));
        Assert.That(() => ServerTrust.Of(Settings(empty)), Throws.InvalidOperationException.With.Message.Contain("no certificate"));
        Assert.That(ServerTrust.Of(Settings(null)).AuthorityFile, Is.Null);
    }

    private static IConfiguration Settings(string? authorityFile, params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)).Append(new("Tls:AuthorityFile", authorityFile))
            )
            .Build();

    private ServiceProvider Services(string authorityFile, params (string Key, string Value)[] settings) =>
        new ServiceCollection()
            .AddLogging()
            .AddGenerationStorage(Settings(authorityFile, [.. settings, ("Results:Path", Path.Combine(_tls.Folder, "results"))]))
            .BuildServiceProvider();

    private (string Key, string Value) Postgres(int port) =>
        (
            "ConnectionStrings:Postgres",
            new NpgsqlConnectionStringBuilder(_tls.Servers.Postgres)
            {
                Host = "localhost",
                Port = port,
                SslMode = SslMode.VerifyFull,
            }.ConnectionString
        );

    private (string Key, string Value) Redis(int port) =>
        ("ConnectionStrings:Redis", $"localhost:{port},{_tls.Servers.Redis.Split(',', 2)[1]},ssl=true");

    private TlsProxy RedisProxy(System.Security.Cryptography.X509Certificates.X509Certificate2 certificate)
    {
        string[] address = _tls.Servers.Redis.Split(',')[0].Split(':');
        return new TlsProxy(address[0], int.Parse(address[1]), certificate);
    }

    private static async Task EventuallyAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                if (await isSo())
                {
                    return;
                }
            }
            catch (RedisException)
            {
                // Connecting yet
            }

            await Task.Delay(100, limit.Token);
        }
    }
}
