using System.Security.Cryptography.X509Certificates;
using Generation.TestSupport;
using MassTransit;

namespace Generation.Api.Tests;

/// <summary>RabbitMQ by TLS, under an authority of the test's own.</summary>
public sealed class BrokerTlsTests
{
    private TlsScope _tls = null!;

    [OneTimeSetUp]
    public async Task CreateServers() => _tls = await TlsScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropServers() => await _tls.DisposeAsync();

    [Test]
    public async Task Broker_WithTheAuthorityInTheSettings_IsReachedByTls()
    {
        using TlsProxy proxy = Proxy(_tls.Trusted());
        await using ApiScope api = await ApiScope.CreateAsync(Settings(proxy));

        await UntilAsync(() => api.Get<IBusControl>().CheckHealth().Status == BusHealthStatus.Healthy);

        Assert.That(proxy.Connections, Is.GreaterThan(0));
    }

    [Test]
    public async Task Broker_OfAnotherAuthorityOrHost_IsNotTrusted([Values] bool isStranger)
    {
        using TlsProxy proxy = Proxy(_tls.Untrusted(isStranger));
        await using ApiScope api = await ApiScope.CreateAsync(Settings(proxy));

        await UntilAsync(() => proxy.Attempts >= 2);

        Assert.That(api.Get<IBusControl>().CheckHealth().Status, Is.Not.EqualTo(BusHealthStatus.Healthy));
    }

    private TlsProxy Proxy(X509Certificate2 certificate)
    {
        var server = new Uri(_tls.Servers.RabbitMq);
        return new TlsProxy(server.Host, server.Port, certificate);
    }

    private (string Key, string Value)[] Settings(TlsProxy proxy) =>
        [
            (
                "ConnectionStrings:RabbitMq",
                new UriBuilder(_tls.Servers.RabbitMq)
                {
                    Scheme = "amqps",
                    Host = "localhost",
                    Port = proxy.Port,
                }
                    .Uri
                    .AbsoluteUri
            ),
            ("Tls:AuthorityFile", _tls.AuthorityFile),
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
