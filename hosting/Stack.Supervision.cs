using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>What keeps the stack's processes running.</summary>
public sealed partial class Stack
{
    private const string SupervisorName = "supervisor";
    private const string SupervisorProgram = "Generation.Cli";

    /// <summary>The verb of the CLI that supervises; it runs until it is asked to end.</summary>
    public const string SupervisorVerb = "supervise";

    /// <summary>While the stack starts: one that dies more often than this does not come up.</summary>
    private const int MostDeaths = 3;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private ManagedProcess SupervisorProcess => new(Folder.Run, SupervisorName);

    private string SupervisorLog => Path.Combine(Folder.Logs, SupervisorName + ".log");

    /// <summary>
    /// Starts again whatever of the stack dies, and empties logs that grow too large, until it is cancelled. While another command changes
    /// the stack it waits.
    /// </summary>
    public async Task SuperviseAsync(IProgress<string>? said, CancellationToken token)
    {
        var supervisor = new Supervisor(AllSupervised, said, TimeProvider.System);
        FileStream? turn = null;
        try
        {
            // Somebody may delete the stack's folder
            while (!token.IsCancellationRequested && Directory.Exists(Folder.Run))
            {
                if (supervisor.HasWork || supervisor.IsStarting)
                {
                    turn ??= TryTakeTurn();
                    if (turn is not null)
                    {
                        await supervisor.LookAsync(token);
                    }
                }

                if (turn is not null && !supervisor.IsStarting)
                {
                    await turn.DisposeAsync();
                    turn = null;
                }

                RotateLogs(said);
                await Task.Delay(LookInterval, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await supervisor.EndStartsAsync();
        }
        finally
        {
            turn?.Dispose();
        }
    }

    /// <summary>Does something while the stack's processes are starting, and starts those again that die meanwhile.</summary>
    /// <exception cref="ServerException">One died again and again.</exception>
    private async Task KeepAsync(Func<CancellationToken, Task> action, IProgress<string>? progress, CancellationToken token)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
        var supervisor = new Supervisor(AllSupervised, progress, TimeProvider.System);
        Task done = action(end.Token);
        try
        {
            while (!done.IsCompleted)
            {
                await supervisor.LookAsync(end.Token);
                if (supervisor.Worst is (ManagedProcess process, > MostDeaths))
                {
                    throw new ServerException($"{process.Name} ended while it was starting, {MostDeaths + 1} times in a row.", process.Log);
                }

                await Task.WhenAny(done, Task.Delay(LookInterval / 2, end.Token));
            }
        }
        finally
        {
            await end.CancelAsync();
            await supervisor.EndStartsAsync();
            await done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await done;
    }

    private IReadOnlyList<Supervised> AllSupervised()
    {
        IEnumerable<Supervised> servers = Servers is PrivateServers own
            ? own.Supervised.Select(server => server with { StartAsync = token => StartServerAsync(server, token) })
            : [];
        OwnProgram[] workers = [.. Workers()];
        return
        [
            .. servers,
            .. workers.Prepend(Api).Select(program => new Supervised(program.Process, token => StartAgainAsync(program, token))),
        ];
    }

    private Task<bool> StartAgainAsync(OwnProgram program, CancellationToken token)
    {
        IReadOnlyDictionary<string, string> settings = ProgramSettings();
        return program.StartAsync(program == Api ? settings : WorkerSettings(settings, program.Name, Workers().Count()), token);
    }

    /// <summary>Where the server had to move to another port, the programs are told.</summary>
    private async Task StartServerAsync(Supervised server, CancellationToken token)
    {
        IReadOnlyDictionary<string, string> before = ProgramSettings();
        await server.StartAsync(token);
        IReadOnlyDictionary<string, string> settings = ProgramSettings();
        if (settings.All(setting => before.TryGetValue(setting.Key, out string? value) && value == setting.Value))
        {
            return;
        }

        foreach (OwnProgram program in Workers().Prepend(Api).Where(program => program.IsRunning))
        {
            await StartAgainAsync(program, token);
        }
    }

    private async Task StartSupervisorAsync(CancellationToken token)
    {
        ManagedProcess process = SupervisorProcess;
        string edition = OwnProgram.EditionOf(_clone, SupervisorProgram, new Dictionary<string, string>());
        if (process.IsRunning && process.Edition == edition)
        {
            return;
        }

        await StopSupervisorAsync(token);
        process.Start(
            new Launch
            {
                Program = DotnetHost.Path,
                Arguments = [_clone.ProgramOf(SupervisorProgram), SupervisorVerb],
                Environment = new Dictionary<string, string> { ["GENERATION_DATA"] = Folder.Root },
                InheritsEnvironment = true,
                Folder = Folder.Root,
                Log = SupervisorLog,
                Edition = edition,
            }
        );
    }

    /// <summary>What it is starting at that moment runs, and is stopped with all else.</summary>
    private Task StopSupervisorAsync(CancellationToken token) => SupervisorProcess.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(5), token);

    /// <summary>How the supervisor is; null where none was started.</summary>
    private ProcessHealth? SupervisorHealth()
    {
        ManagedProcess process = SupervisorProcess;
        return process.Log is not { } log
            ? null
            : new ProcessHealth(process.Name, process.Pid, null, null, process.IsRunning ? null : ProcessHealth.NotRunning, log);
    }

    private void RotateLogs(IProgress<string>? said)
    {
        foreach (string log in Directory.EnumerateFiles(Folder.Logs, "*.log"))
        {
            try
            {
                LogFile.Rotate(log);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                said?.Report($"{log} could not be emptied: {e.Message}");
            }
        }
    }
}
