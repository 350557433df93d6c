namespace Generation.Hosting.Servers;

/// <summary>How servers are set up.</summary>
/// <param name="Durable">
/// False for servers whose data only have to live as long as a test: without fsync, and killed rather than stopped.
/// </param>
public sealed record ServerSettings(bool Durable = true);

/// <summary>The health of a process: <paramref name="Problem"/> is null where it answers.</summary>
public sealed record ProcessHealth(string Name, int? Pid, int? Port, string? Address, string? Problem, string? Log)
{
    /// <summary>The problem of a process that does not run.</summary>
    public const string NotRunning = "not running";

    public bool IsRunning => Problem != NotRunning;

    public bool IsHealthy => Problem is null;

    /// <summary>How often a supervisor started it again, and when it last did.</summary>
    public (int Count, DateTimeOffset? At) Restarts { get; init; }

    /// <summary>Whether an operator drains this worker: it runs, but takes no jobs. False for other processes.</summary>
    public bool IsDraining { get; init; }

    /// <summary>For a worker, which kernels compute, in words; null where it does not say.</summary>
    public string? Kernels { get; init; }

    /// <summary>For a worker, whether it makes clips, and what is missing if not; null where it does not say.</summary>
    public string? Clips { get; init; }
}

/// <summary>A server that this program runs, on a port of the loopback address, with its data in one folder.</summary>
public abstract class Server : IServer
{
    private const int Attempts = 3;

    private protected Server(DataFolder folder, string name, string packageUser, ServerSettings settings)
    {
        Name = name;
        Settings = settings;
        Data = folder;
        Process = new ManagedProcess(folder.Run, name);
        User = SystemUser.ForServer(packageUser);
        Folder = Path.Combine(folder.Root, name);
        Log = Path.Combine(folder.Logs, name + ".log");
    }

    public string Name { get; }

    public string Log { get; }

    public abstract string ConnectionString { get; }

    /// <summary>The address without any secret; null where the server was never started.</summary>
    public string? Address => Process.Port is { } port ? $"127.0.0.1:{port}" : null;

    public bool IsRunning => Process.IsRunning;

    private protected ServerSettings Settings { get; }

    private protected DataFolder Data { get; }

    private protected ManagedProcess Process { get; }

    /// <summary>The port, once the server was started.</summary>
    private protected int Port => Process.Port ?? throw new ServerException($"{Name} was not started yet.");

    private protected SystemUser? User { get; }

    private protected string Folder { get; }

    public async Task EnsureAsync(CancellationToken token)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await StartAsync(token);
                return;
            }
            catch (ServerException) when (attempt < Attempts && Process.Port is { } port && !Process.IsRunning && !Ports.IsFree(port))
            {
                // Somebody took the port between our look and the server's: once more, with another
            }
        }
    }

    /// <summary>The processes of the server, each with the function that starts it again.</summary>
    internal virtual IReadOnlyList<Supervised> Supervised => [new Supervised(Process, EnsureAsync)];

    public async Task<ProcessHealth> CheckAsync(CancellationToken token)
    {
        string? problem =
            !IsRunning ? ProcessHealth.NotRunning
            : await AnswersAsync(token) ? null
            : "does not answer";
        return new ProcessHealth(Name, Process.Pid, Process.Port, Address, problem, Log) { Restarts = Process.Restarts };
    }

    public virtual Task StopAsync(CancellationToken token) =>
        Process.StopAsync(Settings.Durable ? Posix.SigTerm : Posix.SigKill, TimeSpan.FromSeconds(20), token);

    public Task KillAsync(CancellationToken token) => Process.KillAsync(token);

    private protected abstract Task StartAsync(CancellationToken token);

    private protected abstract Task<bool> AnswersAsync(CancellationToken token);

    private protected string Secret(string name) => Data.Secret($"{Name}-{name}");

    private protected Task<string> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken token,
        string? input = null
    ) => ManagedProcess.RunAsync(program, arguments, environment, User, "/", input, token);
}

/// <summary>
/// A server could not be started, reached or stopped. The message says what to do, and <see cref="Log"/> is where to look.
/// </summary>
public sealed class ServerException(string message, string? log = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Log { get; } = log;

    /// <summary>The end of the log, which mostly says why.</summary>
    public string? LogTail => Log is not null && File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(8)) : null;

    public override string ToString() => $"{base.ToString()}\n{Log}:\n{LogTail}";
}
