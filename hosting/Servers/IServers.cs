namespace Generation.Hosting.Servers;

/// <summary>PostgreSQL, Redis and RabbitMQ of one stack, wherever they run.</summary>
public interface IServers
{
    public IReadOnlyList<IServer> All { get; }

    public IServer Postgres { get; }

    public IServer Redis { get; }

    public IBroker RabbitMq { get; }

    /// <summary>How each server is, and whatever runs beside one.</summary>
    public Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token);
}

/// <summary>A server whose data and address outlive a stop.</summary>
public interface IServer
{
    public string Name { get; }

    /// <summary>
    /// What a client is given: Npgsql's form, StackExchange.Redis's form, or amqp://user:password@host:port/virtual-host. Holds the
    /// password.
    /// </summary>
    public string ConnectionString { get; }

    public bool IsRunning { get; }

    /// <summary>Starts the server if it does not run, and waits until it serves.</summary>
    public Task EnsureAsync(CancellationToken token);

    /// <summary>Asks the server in its own language whether it serves.</summary>
    public Task<ProcessHealth> CheckAsync(CancellationToken token);

    /// <summary>Stops the server, in order where it is durable.</summary>
    public Task StopAsync(CancellationToken token);

    /// <summary>Ends the server as a power cut would.</summary>
    public Task KillAsync(CancellationToken token);
}

/// <summary>RabbitMQ, with virtual hosts for whoever wants one to itself.</summary>
public interface IBroker : IServer
{
    /// <summary>Adds a virtual host that the server's user may do everything in.</summary>
    /// <param name="name">Letters, digits and hyphens.</param>
    public Task AddVirtualHostAsync(string name, CancellationToken token);

    /// <summary>Drops a virtual host with its queues, exchanges and connections; nothing where there is none.</summary>
    public Task DropVirtualHostAsync(string name, CancellationToken token);
}

/// <summary>What is done with all of them.</summary>
public static class ServersExtensions
{
    /// <summary>Starts those that do not run, side by side, and waits until all serve.</summary>
    /// <param name="servers">Those to start.</param>
    /// <param name="started">Told the name of each server that it started, once it serves.</param>
    /// <param name="token">Ends the wait.</param>
    public static Task EnsureAsync(this IServers servers, IProgress<string>? started, CancellationToken token) =>
        Task.WhenAll(
            servers.All.Select(async server =>
            {
                bool ran = server.IsRunning;
                await server.EnsureAsync(token);
                if (!ran)
                {
                    started?.Report(server.Name);
                }
            })
        );

    /// <summary>Stops them side by side.</summary>
    public static Task StopAsync(this IServers servers, CancellationToken token) =>
        Task.WhenAll(servers.All.Select(server => server.StopAsync(token)));
}
