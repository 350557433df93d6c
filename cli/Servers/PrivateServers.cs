namespace Generation.Cli.Servers;

/// <summary>PostgreSQL, Redis and RabbitMQ of one data folder.</summary>
public sealed class PrivateServers
{
    public PrivateServers(DataFolder folder, ServerSettings? settings = null)
    {
        settings ??= new ServerSettings();
        Folder = folder;
        Postgres = new PostgresServer(folder, settings);
        Redis = new RedisServer(folder, settings);
        RabbitMq = new RabbitMqServer(folder, settings);
        All = [Postgres, Redis, RabbitMq];
    }

    public DataFolder Folder { get; }

    public IReadOnlyList<Server> All { get; }

    public PostgresServer Postgres { get; }

    public RedisServer Redis { get; }

    public RabbitMqServer RabbitMq { get; }

    /// <summary>Starts those that do not run, side by side, and waits until all serve.</summary>
    /// <param name="started">Told the name of each server that it started, once it serves.</param>
    public Task EnsureAsync(IProgress<string>? started, CancellationToken token) => Task.WhenAll(All.Select(async server =>
    {
        bool ran = server.IsRunning;
        await server.EnsureAsync(token);
        if (!ran)
        {
            started?.Report(server.Name);
        }
    }));

    public async Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) => await Task.WhenAll(
        [.. All.Select(server => server.CheckAsync(token)), RabbitMq.CheckPortMapperAsync(token)]);

    /// <summary>Stops them side by side.</summary>
    public Task StopAsync(CancellationToken token) => Task.WhenAll(All.Select(server => server.StopAsync(token)));
}
