using System.Security.Cryptography.X509Certificates;
using Generation.TestSupport;
using MassTransit;

namespace Generation.Api.Tests;

/// <summary>RabbitMQ by TLS, under an authority of the test's own.</summary>
public sealed class BrokerTlsTests
{
    private readonly TestAuthority _authority = new("the test's authority");
    private readonly TestAuthority _stranger = new("another authority");
    private string _folder = "";
    private TestScope _servers = null!;

    [OneTimeSetUp]
    public async Task CreateServers()
    {
        _folder = Directory.CreateTempSubdirectory("tls-").FullName;
        await File.WriteAllTextAsync(Path.Combine(_folder, "authority.pem"), _authority.Pem);
        _servers = await TestServers.NewScopeAsync();
    }

    [OneTimeTearDown]
    public async Task DropServers()
    {
        await _servers.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task Broker_WithTheAuthorityInTheSettings_IsReachedByTls()
    {
        using TlsProxy proxy = Proxy(_authority.Sign("localhost"));
        await using ApiScope api = await ApiScope.CreateAsync(Settings(proxy));

        await UntilAsync(() => api.Get<IBusControl>().CheckHealth().Status == BusHealthStatus.Healthy);

        Assert.That(proxy.Connections, Is.GreaterThan(0));
    }

    [Test]
    public async Task Broker_OfAnotherAuthorityOrHost_IsNotTrusted([Values] bool isStranger)
    {
        using TlsProxy proxy = Proxy(isStranger ? _stranger.Sign("localhost") : _authority.Sign("elsewhere.example"));
        await using ApiScope api = await ApiScope.CreateAsync(Settings(proxy));

        await UntilAsync(() => proxy.Attempts >= 2);

        Assert.That(api.Get<IBusControl>().CheckHealth().Status, Is.Not.EqualTo(BusHealthStatus.Healthy));
    }

    private TlsProxy Proxy(X509Certificate2 certificate)
    {
        var server = new Uri(_servers.RabbitMq);
        return new TlsProxy(server.Host, server.Port, certificate);
    }

    private (string Key, string Value)[] Settings(TlsProxy proxy) =>
        [
            (
                "ConnectionStrings:RabbitMq",
                new UriBuilder(_servers.RabbitMq)
                {
                    Scheme = "amqps",
                    Host = "localhost",
                    Port = proxy.Port,
                }
                    .Uri
                    .AbsoluteUri
            ),
            ("Tls:AuthorityFile", Path.Combine(_folder, "authority.pem")),
        ];

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!isSo())
        {
            await Task.Delay(100, limit.Token);
        }
    }
}
