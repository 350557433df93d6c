using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Hosting.Servers;

namespace Generation.Storm;

/// <summary>Private servers whose clients come through proxies of the storm's own.</summary>
internal sealed partial class ProxiedServers : IServers, IDisposable
{
    private readonly PrivateServers _servers;
    private readonly Proxied _postgres;
    private readonly Proxied _redis;
    private readonly ProxiedBroker _rabbitMq;

    public ProxiedServers(PrivateServers servers)
    {
        _servers = servers;
        _postgres = new Proxied(servers.Postgres);
        _redis = new Proxied(servers.Redis);
        _rabbitMq = new ProxiedBroker(servers.RabbitMq);
        All = [_postgres, _redis, _rabbitMq];
    }

    public IReadOnlyList<IServer> All { get; }

    public IServer Postgres => _postgres;

    public IServer Redis => _redis;

    public IBroker RabbitMq => _rabbitMq;

    /// <summary>The servers themselves, by ways without a proxy.</summary>
    public PrivateServers Direct => _servers;

    /// <summary>Each server's proxy, by the server's name.</summary>
    public IReadOnlyList<(string Name, FaultyProxy Proxy)> Proxies =>
        [(_postgres.Name, _postgres.Proxy), (_redis.Name, _redis.Proxy), (_rabbitMq.Name, _rabbitMq.Proxy)];

    public Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) => _servers.CheckAsync(token);

    public void Dispose()
    {
        _postgres.Proxy.Dispose();
        _redis.Proxy.Dispose();
        _rabbitMq.Proxy.Dispose();
    }

    /// <summary>The port in a connection string of any of the three.</summary>
    [GeneratedRegex(@"(?<=Port=|127\.0\.0\.1:)\d+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PortIn();

    private class Proxied(IServer server) : IServer
    {
        public FaultyProxy Proxy { get; } =
            new(() => int.Parse(PortIn().Match(server.ConnectionString).Value, CultureInfo.InvariantCulture));

        public string Name => server.Name;

        public string ConnectionString =>
            PortIn().Replace(server.ConnectionString, Proxy.Port.ToString(CultureInfo.InvariantCulture), count: 1);

        public bool IsRunning => server.IsRunning;

        public Task EnsureAsync(CancellationToken token) => server.EnsureAsync(token);

        public Task<ProcessHealth> CheckAsync(CancellationToken token) => server.CheckAsync(token);

        public Task StopAsync(CancellationToken token) => server.StopAsync(token);

        public Task KillAsync(CancellationToken token) => server.KillAsync(token);
    }

    private sealed class ProxiedBroker(IBroker broker) : Proxied(broker), IBroker
    {
        public Task AddVirtualHostAsync(string name, CancellationToken token) => broker.AddVirtualHostAsync(name, token);

        public Task SetUserAsync(string virtualHost, BrokerUser user, CancellationToken token) =>
            broker.SetUserAsync(virtualHost, user, token);

        public Task DropVirtualHostAsync(string name, CancellationToken token) => broker.DropVirtualHostAsync(name, token);
    }
}
