namespace Generation.Hosting.Servers;

/// <summary>PostgreSQL, Redis and RabbitMQ of one data folder, from this machine's packages.</summary>
public sealed class PrivateServers : IServers
{
    public PrivateServers(DataFolder folder, ServerSettings? settings = null)
    {
        settings ??= new ServerSettings();
        Folder = folder;
        PostgresServer = new PostgresServer(folder, settings);
        RedisServer = new RedisServer(folder, settings);
        RabbitMq = new RabbitMqServer(folder, settings);
        All = [Postgres, Redis, RabbitMq];
    }

    public DataFolder Folder { get; }

    /// <summary>The processes of the servers, each with the function that starts it again.</summary>
    internal IReadOnlyList<Supervised> Supervised => [.. All.Cast<Server>().SelectMany(server => server.Supervised)];

    public IReadOnlyList<IServer> All { get; }

    public IServer Postgres => PostgresServer;

    public IServer Redis => RedisServer;

    internal PostgresServer PostgresServer { get; }

    internal RedisServer RedisServer { get; }

    public RabbitMqServer RabbitMq { get; }

    IBroker IServers.RabbitMq => RabbitMq;

    public async Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) =>
        await Task.WhenAll([.. All.Select(server => server.CheckAsync(token)), RabbitMq.CheckPortMapperAsync(token)]);
}
