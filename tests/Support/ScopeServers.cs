using Generation.Hosting.Servers;

namespace Generation.TestSupport;

/// <summary>
/// A scope's share of servers that many use, as the servers of one stack: it starts them where they do not run, and lets them run when it
/// ends. The share itself ends with its scope.
/// </summary>
internal sealed class ScopeServers : IServers
{
    private readonly IServers _all;

    public ScopeServers(IServers all, TestScope scope)
    {
        _all = all;
        Postgres = new Share(all.Postgres, scope.Postgres);
        Redis = new Share(all.Redis, scope.Redis);
        RabbitMq = new BrokerShare(all.RabbitMq, scope.RabbitMq);
        All = [Postgres, Redis, RabbitMq];
    }

    public IReadOnlyList<IServer> All { get; }

    public IServer Postgres { get; }

    public IServer Redis { get; }

    public IBroker RabbitMq { get; }

    public Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) => _all.CheckAsync(token);

    private class Share(IServer server, string connectionString) : IServer
    {
        public string Name => server.Name;

        public string ConnectionString => connectionString;

        public bool IsRunning => server.IsRunning;

        public Task EnsureAsync(CancellationToken token) => server.EnsureAsync(token);

        public Task<ProcessHealth> CheckAsync(CancellationToken token) => server.CheckAsync(token);

        public Task StopAsync(CancellationToken token) => Task.CompletedTask;

        public Task KillAsync(CancellationToken token) =>
            throw new InvalidOperationException($"{server.Name} serves other tests, too: a stack that kills servers has its own.");
    }

    private sealed class BrokerShare(IBroker broker, string connectionString) : Share(broker, connectionString), IBroker
    {
        public Task AddVirtualHostAsync(string name, CancellationToken token) => broker.AddVirtualHostAsync(name, token);

        public Task SetUserAsync(string virtualHost, BrokerUser user, CancellationToken token) =>
            broker.SetUserAsync(virtualHost, user, token);

        public Task DropVirtualHostAsync(string name, CancellationToken token) => broker.DropVirtualHostAsync(name, token);
    }
}
