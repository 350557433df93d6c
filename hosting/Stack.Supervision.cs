using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>Keeps the stack's processes running.</summary>
public sealed partial class Stack
{
    private const string SupervisorName = "supervisor";
    private const string SupervisorProgram = "Generation.Cli";

    /// <summary>The command of the CLI that supervises; it runs until it is asked to end.</summary>
    public const string SupervisorVerb = "supervise";

    /// <summary>How often a process may die while the stack starts, before it is taken for one that cannot start.</summary>
    private const int MostDeaths = 3;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the supervisor waits after something that it did not foresee, a full disk for example.</summary>
    private static readonly TimeSpan TroubleInterval = TimeSpan.FromSeconds(10);

    private ManagedProcess SupervisorProcess => new(Folder.Run, SupervisorName);

    private string SupervisorLog => Path.Combine(Folder.Logs, SupervisorName + ".log");

    /// <summary>
    /// Starts any process of the stack that dies again, and empties logs that have become too large, until it is cancelled. While another
    /// command changes the stack it waits.
    /// </summary>
    public async Task SuperviseAsync(IProgress<string>? said, CancellationToken token)
    {
        using var turnOfPrograms = new SemaphoreSlim(1);
        var supervisor = new Supervisor(() => AllSupervised(turnOfPrograms), said, TimeProvider.System);
        FileStream? turn = null;
        try
        {
            // Somebody may delete the stack's folder
            while (!token.IsCancellationRequested && Directory.Exists(Folder.Run))
            {
                TimeSpan pause = LookInterval;
                try
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
                }
                catch (Exception e) when (!token.IsCancellationRequested)
                {
                    // Who watches over the others must not end by what befalls one of them
                    said?.Report($"trouble: {e.Message}");
                    pause = TroubleInterval;
                }

                await Task.Delay(pause, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await supervisor.EndStartsAsync();
        }
        finally
        {
            turn?.Dispose();
        }
    }

    /// <summary>Runs an action while the stack's processes are starting, and starts processes that die meanwhile again.</summary>
    /// <exception cref="ServerException">A process died again and again.</exception>
    private async Task KeepAsync(Func<CancellationToken, Task> action, IProgress<string>? progress, CancellationToken token)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
        using var turnOfPrograms = new SemaphoreSlim(1);
        var supervisor = new Supervisor(() => AllSupervised(turnOfPrograms), progress, TimeProvider.System);
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

    /// <param name="turnOfPrograms">
    /// One at a time starts the API and the workers: two servers that move at once must not start the same program twice.
    /// </param>
    private IReadOnlyList<Supervised> AllSupervised(SemaphoreSlim turnOfPrograms)
    {
        IEnumerable<Supervised> servers = Servers is PrivateServers own
            ? own.Supervised.Select(server => server with { StartAsync = token => StartServerAsync(server, turnOfPrograms, token) })
            : [];
        OwnProgram[] workers = [.. Workers()];
        return
        [
            .. servers,
            .. workers
                .Prepend(Api)
                .Select(program => new Supervised(program.Process, token => StartAgainAsync(program, turnOfPrograms, token))),
        ];
    }

    private async Task<bool> StartAgainAsync(OwnProgram program, SemaphoreSlim turn, CancellationToken token)
    {
        await turn.WaitAsync(token);
        try
        {
            return await StartWithPresentSettingsAsync(program, token);
        }
        finally
        {
            turn.Release();
        }
    }

    private Task<bool> StartWithPresentSettingsAsync(OwnProgram program, CancellationToken token)
    {
        IReadOnlyDictionary<string, string> settings = ProgramSettings();
        return program.StartAsync(program == Api ? ApiSettings() : WorkerSettings(settings, program.Name, Workers().Count()), token);
    }

    /// <summary>Where the server had to move to another port, the programs are told, and the files that say where it is.</summary>
    private async Task StartServerAsync(Supervised server, SemaphoreSlim turn, CancellationToken token)
    {
        IReadOnlyDictionary<string, string> before = ProgramSettings();
        await server.StartAsync(token);
        IReadOnlyDictionary<string, string> settings = ProgramSettings();
        if (settings.All(setting => before.TryGetValue(setting.Key, out string? value) && value == setting.Value))
        {
            return;
        }

        await turn.WaitAsync(token);
        try
        {
            WriteSettings();
            foreach (OwnProgram program in Workers().Prepend(Api).Where(program => program.IsRunning))
            {
                await StartWithPresentSettingsAsync(program, token);
            }

            if (File.Exists(AddressFile))
            {
                WriteAddresses();
            }
        }
        finally
        {
            turn.Release();
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

    /// <summary>Stops the supervisor. A process that it is starting at that moment will run, and is stopped with all others.</summary>
    private Task StopSupervisorAsync(CancellationToken token) => SupervisorProcess.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(5), token);

    /// <summary>The state of the supervisor; null if none was started.</summary>
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
