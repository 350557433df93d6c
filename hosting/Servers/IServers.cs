namespace Generation.Hosting.Servers;

/// <summary>PostgreSQL, Redis and RabbitMQ of one stack, wherever they run.</summary>
public interface IServers
{
    public IReadOnlyList<IServer> All { get; }

    public IServer Postgres { get; }

    public IServer Redis { get; }

    public IBroker RabbitMq { get; }

    /// <summary>The health of each server, and of whatever runs beside one.</summary>
    public Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token);
}

/// <summary>A server whose data and address stay the same over a restart.</summary>
public interface IServer
{
    public string Name { get; }

    /// <summary>
    /// The connection string for clients, in the form of Npgsql, StackExchange.Redis, or amqp://user:password@host:port/virtual-host. It
    /// contains the password.
    /// </summary>
    public string ConnectionString { get; }

    public bool IsRunning { get; }

    /// <summary>Starts the server if it does not run, and waits until it serves.</summary>
    public Task EnsureAsync(CancellationToken token);

    /// <summary>Asks the server in its own language whether it serves.</summary>
    public Task<ProcessHealth> CheckAsync(CancellationToken token);

    /// <summary>Stops the server; a durable one is shut down in order.</summary>
    public Task StopAsync(CancellationToken token);

    /// <summary>Ends the server as a power cut would.</summary>
    public Task KillAsync(CancellationToken token);
}

/// <summary>RabbitMQ, with virtual hosts for those who want one to themselves.</summary>
public interface IBroker : IServer
{
    /// <summary>Adds a virtual host in which the server's user has all permissions.</summary>
    /// <param name="name">A name of letters, digits and hyphens.</param>
    public Task AddVirtualHostAsync(string name, CancellationToken token);

    /// <summary>Sees that a user is there, with that password and just those permissions in a virtual host.</summary>
    public Task SetUserAsync(string virtualHost, BrokerUser user, CancellationToken token);

    /// <summary>Deletes a virtual host with its queues, exchanges and connections; does nothing where there is none.</summary>
    public Task DropVirtualHostAsync(string name, CancellationToken token);
}

/// <summary>A user of RabbitMQ, and the names of queues and exchanges, as regular expressions, that it has permissions for.</summary>
/// <param name="Name">Letters, digits and hyphens.</param>
/// <param name="Password">Letters and digits.</param>
/// <param name="Configure">What it may declare and delete.</param>
/// <param name="Write">What it may send to, and queues that it may bind.</param>
/// <param name="Read">What it may consume and empty, and exchanges that it may bind to.</param>
public sealed record BrokerUser(string Name, string Password, string Configure, string Write, string Read)
{
    /// <summary>The queues of models, and their exchanges.</summary>
    private const string Jobs = "^jobs[.]";
    private const string Nothing = "^$";

    /// <summary>The API sends jobs, and declares the exchanges that it sends to.</summary>
    public static BrokerUser ForApi(string name, string password) => new(name, password, Jobs, Jobs, Nothing);

    /// <summary>Workers declare the queues of their models, take jobs, and send on what another is to take.</summary>
    public static BrokerUser ForWorkers(string name, string password) => new(name, password, Jobs, Jobs, Jobs);
}

/// <summary>Operations on all servers together.</summary>
public static class ServersExtensions
{
    /// <summary>Starts the servers that do not run, in parallel, and waits until all serve.</summary>
    /// <param name="servers">The servers to start.</param>
    /// <param name="started">Gets the name of each server that this call has started, once it serves.</param>
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

    /// <summary>Stops the servers in parallel.</summary>
    public static Task StopAsync(this IServers servers, CancellationToken token) =>
        Task.WhenAll(servers.All.Select(server => server.StopAsync(token)));
}
