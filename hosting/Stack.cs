using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>The settings of a stack.</summary>
public sealed record StackSettings
{
    /// <summary>The number of workers to run; null keeps as many as run now, and one where none does.</summary>
    public int? Workers { get; init; }

    /// <summary>
    /// Settings for the API and the workers that override the stack's own, in the form of the environment (Jobs__LeaseSeconds). They are
    /// kept with the stack; null uses those that were kept.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Overrides { get; init; }

    /// <summary>Whether the API and the workers are left to be started by hand, with <see cref="Stack.SettingsFile"/>.</summary>
    public bool ServersOnly { get; init; }

    /// <summary>Whether a process of its own starts processes that die later again, as after `./generation up`.</summary>
    public bool Supervised { get; init; }

    /// <summary>False for data that only have to live as long as a test.</summary>
    public bool Durable { get; init; } = true;
}

/// <summary>
/// The whole system in one data folder: PostgreSQL, Redis, RabbitMQ, the API and workers. What runs, and where, is recorded in the folder,
/// so that any number of commands, one after another or at once, act on the same stack.
/// </summary>
public sealed partial class Stack
{
    private const string WorkerPrefix = "worker-";
    private const string OwnersDatabase = "ConnectionStrings__PostgresOwner";
    private const string MigrateVerb = "migrate";
    private const string RestoreVerb = "restore";
    private const string ApiProgram = "Generation.Api";
    private const string WorkerProgram = "Generation.Service";

    private readonly Clone _clone;
    private readonly StackSettings _settings;

    /// <param name="folder">The folder in which all of it is kept.</param>
    /// <param name="settings">The settings of the stack.</param>
    /// <param name="clone">The clone whose programs run.</param>
    /// <param name="servers">The servers; null for private ones in the folder.</param>
    public Stack(DataFolder folder, StackSettings? settings = null, Clone? clone = null, IServers? servers = null)
    {
        Folder = folder;
        _settings = settings ?? new StackSettings();
        _clone = clone ?? Clone.Current;
        Servers = servers ?? new PrivateServers(folder, new ServerSettings(_settings.Durable));
        Api = new OwnProgram(_clone, folder, "api", ApiProgram);
    }

    public DataFolder Folder { get; }

    public IServers Servers { get; }

    /// <summary>The address of the API, without a slash at the end.</summary>
    /// <exception cref="StepException">The API was never started.</exception>
    public string Url => Api.Address ?? throw NotUp();

    /// <summary>The key of the first account, an admin key.</summary>
    /// <exception cref="StepException">The key was never made.</exception>
    public string Key => File.Exists(KeyFile) ? File.ReadAllText(KeyFile).Trim() : throw NotUp();

    /// <summary>The file with the first API key, readable by its owner only.</summary>
    public string KeyFile => Path.Combine(Folder.Root, "key");

    /// <summary>The file with the addresses of everything that runs, with secrets; readable by its owner only.</summary>
    public string AddressFile => Path.Combine(Folder.Root, "addresses.json");

    /// <summary>The file with the settings for a program that is started by hand; readable by its owner only.</summary>
    public string SettingsFile => Path.Combine(Folder.Root, "settings.json");

    /// <summary>The API's process.</summary>
    public OwnProgram Api { get; }

    /// <summary>Starts what does not run, waits until all of it serves, and reports each step to <paramref name="progress"/>.</summary>
    /// <remarks>When this is cancelled or fails, the processes that it has started are stopped again.</remarks>
    /// <returns>The names of the processes that were started.</returns>
    public async Task<IReadOnlySet<string>> UpAsync(IProgress<string>? progress, CancellationToken token)
    {
        using FileStream turn = await TakeTurnAsync(progress, token);
        IReadOnlySet<string> before = await RunningAsync(token);
        if (_settings.Overrides is { } overrides)
        {
            Overrides.Save(Folder, overrides);
        }

        try
        {
            await Step.RunAsync("start PostgreSQL, Redis and RabbitMQ", () => StartServersAsync(progress, token));
            await Step.RunAsync("give the programs their users at the servers", () => PrepareUsersAsync(progress, token));
            await Step.RunAsync("prepare the database", () => MigrateAsync(progress, token));
            WriteSettings();
            if (_settings.ServersOnly)
            {
                await Step.RunAsync("stop the API and the workers", () => StopProgramsAsync(_ => true, progress, token));
            }
            else
            {
                await Step.RunAsync("start the API and the workers", () => StartProgramsAsync(progress, token));
                WriteAddresses();
            }

            if (_settings.Supervised)
            {
                await Step.RunAsync("start the supervisor", () => StartSupervisorAsync(token));
            }

            return (await RunningAsync(token)).Except(before).ToHashSet();
        }
        catch
        {
            // Also when cancelled, and then least of all with the cancelled token
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            await StopAsync(name => !before.Contains(name), progress: null, limit.Token);
            throw;
        }
    }

    /// <summary>Stops everything: workers hand their jobs back, the API finishes its answers, the servers close in order.</summary>
    public async Task DownAsync(IProgress<string>? progress, CancellationToken token)
    {
        // Before our turn: it may be its turn, for as long as a server takes to start
        await StopSupervisorAsync(token);
        using FileStream turn = await TakeTurnAsync(progress, token);
        await Step.RunAsync("stop the stack", () => StopAsync(_ => true, progress, token));
    }

    /// <summary>Stops the processes with these names.</summary>
    public async Task StopAsync(IReadOnlySet<string> names, CancellationToken token)
    {
        using FileStream turn = await TakeTurnAsync(progress: null, token);
        await StopAsync(names.Contains, progress: null, token);
    }

    /// <summary>The health of each process that was ever started, whether it should run or not.</summary>
    public async Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token)
    {
        Task<IReadOnlyList<ProcessHealth>> servers = Servers.CheckAsync(token);
        ProcessHealth[] programs = await Task.WhenAll(Workers().Prepend(Api).Select(program => program.CheckAsync(token)));
        return
        [
            .. (await servers).Concat(programs).Where(process => process.Port is not null),
            .. SupervisorHealth() is { } supervisor ? new[] { supervisor } : [],
        ];
    }

    /// <summary>The process with a name, as `status` shows it.</summary>
    public ManagedProcess ProcessOf(string name) => new(Folder.Run, name);

    /// <summary>
    /// What our programs are told about the stack, in the environment's form: with the workers' user at RabbitMQ, whose permissions are
    /// enough for the API, too.
    /// </summary>
    public IReadOnlyDictionary<string, string> ProgramSettings()
    {
        var settings = new Dictionary<string, string>
        {
            [PostgresName] = ProgramsDatabase(),
            [RedisName] = ProgramsRedis(),
            [BrokerName] = BrokerAddress(WorkerUser),
            ["Results__Kind"] = "files",
            ["Results__Path"] = Folder.Results,
            ["Keys__SecretFile"] = Folder.KeySecretFile,
            ["Models__Path"] = _clone.Models,
            // A line an event, with its time
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "yyyy-MM-ddTHH:mm:ss.fffZ ",
            ["Logging__Console__FormatterOptions__UseUtcTimestamp"] = "true",
        };
        if (Servers is PrivateServers)
        {
            settings[PasswordsFile] = PasswordFileOf(WorkerUser);
        }

        foreach ((string key, string value) in _settings.Overrides ?? Overrides.Load(Folder))
        {
            settings[key] = value;
        }

        // It is for migrations, and not for programs that others talk to
        settings.Remove(OwnersDatabase);
        return settings;
    }

    private void WriteSettings() => PrivateFile.Write(SettingsFile, JsonSerializer.Serialize(ProgramSettings()));

    private void WriteAddresses() => PrivateFile.Write(AddressFile, StackAddresses.Json(this));

    /// <summary>
    /// The connection by the owner's role, for migrations; null if the database is not one of ours and no such connection is set.
    /// </summary>
    private string? OwnersConnection()
    {
        IReadOnlyDictionary<string, string> overrides = _settings.Overrides ?? Overrides.Load(Folder);
        return overrides.TryGetValue(OwnersDatabase, out string? owner) ? owner
            : overrides.ContainsKey(PostgresName) ? null
            : Servers.Postgres.ConnectionString;
    }

    /// <summary>Runs a command of the API's program (migrate, keys) on this stack.</summary>
    /// <returns>The exit code. The output goes to this process's, or to the file <paramref name="log"/> where one is named.</returns>
    public async Task<int> RunApiAsync(IReadOnlyList<string> arguments, string? log, CancellationToken token)
    {
        bool toLog = log is not null;
        var info = new ProcessStartInfo(DotnetHost.Path)
        {
            UseShellExecute = false,
            RedirectStandardOutput = toLog,
            RedirectStandardError = toLog,
        };
        foreach (string argument in arguments.Prepend(_clone.ProgramOf(ApiProgram)))
        {
            info.ArgumentList.Add(argument);
        }

        // A stack that was never up has none yet
        if (!File.Exists(PasswordFileOf(ApiUser)))
        {
            WritePasswordFiles();
        }

        foreach ((string key, string value) in ApiSettings())
        {
            info.Environment[key] = value;
        }

        if (arguments[0] is MigrateVerb or RestoreVerb && OwnersConnection() is { } owner)
        {
            info.Environment[OwnersDatabase] = owner;
        }

        using Process process = Process.Start(info) ?? throw new ServerException("dotnet could not be started.");
        try
        {
            if (toLog)
            {
                Task<string> output = process.StandardOutput.ReadToEndAsync(token);
                string errors = await process.StandardError.ReadToEndAsync(token);
                await File.AppendAllTextAsync(log!, await output + errors, token);
            }

            await process.WaitForExitAsync(token);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Runs a command of the API's and the worker's programs, and returns their outputs.</summary>
    public async Task<IReadOnlyList<string>> AskProgramsAsync(string verb, CancellationToken token) =>
        await Task.WhenAll(
            new[] { ApiProgram, WorkerProgram }.Select(program =>
                ManagedProcess.RunAsync(
                    DotnetHost.Path,
                    [_clone.ProgramOf(program), verb],
                    new Dictionary<string, string>(),
                    user: null,
                    Folder.Root,
                    input: null,
                    token
                )
            )
        );

    private static StepException NotUp() => new("find the running stack", "Nothing was started here yet.", null, "./generation up");

    private IEnumerable<OwnProgram> Workers() =>
        Directory
            .EnumerateFiles(Folder.Run, WorkerPrefix + "*.json")
            .Select(file => int.Parse(Path.GetFileNameWithoutExtension(file)[WorkerPrefix.Length..], CultureInfo.InvariantCulture))
            .Order()
            .Select(Worker);

    private OwnProgram Worker(int number) => new(_clone, Folder, $"{WorkerPrefix}{number}", WorkerProgram);

    private async Task StartServersAsync(IProgress<string>? progress, CancellationToken token)
    {
        int attempt = 0;
        do
        {
            await Servers.EnsureAsync(progress is null ? null : new Relay(progress, name => $"{name} serves"), token);
            // One that served may have died while another was starting
        } while (++attempt < MostDeaths && Servers.All.Any(server => !server.IsRunning));
    }

    private async Task MigrateAsync(IProgress<string>? progress, CancellationToken token)
    {
        // A process that died and comes back finds the database as it left it
        string build = Api.EditionOf(ApiSettings());
        string record = Path.Combine(Folder.Run, "migrated");
        if (File.Exists(KeyFile) && File.Exists(record) && await File.ReadAllTextAsync(record, token) == build)
        {
            return;
        }

        progress?.Report("migrating the database");
        string log = Path.Combine(Folder.Logs, "migrate.log");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(TimeSpan.FromMinutes(5));
        int code = await RunApiAsync([MigrateVerb, "--first-key-file", KeyFile], log, limit.Token);
        if (code != 0)
        {
            throw new ServerException($"The migration ended with {code}.", log);
        }

        await File.WriteAllTextAsync(record, build, token);
    }

    private async Task StartProgramsAsync(IProgress<string>? progress, CancellationToken token)
    {
        OwnProgram[] known = [.. Workers()];
        int count = _settings.Workers ?? Math.Max(1, known.Count(worker => worker.IsRunning));
        foreach (OwnProgram worker in known.Skip(count))
        {
            await worker.StopAsync(token);
            worker.Process.Forget();
            progress?.Report($"{worker.Name} stopped");
        }

        IReadOnlyDictionary<string, string> settings = ProgramSettings();
        OwnProgram[] workers = [.. Enumerable.Range(1, count).Select(Worker)];
        OwnProgram[] programs = [Api, .. workers];
        var started = new HashSet<OwnProgram>();
        if (await Api.StartAsync(ApiSettings(), token))
        {
            started.Add(Api);
        }

        foreach (OwnProgram worker in workers)
        {
            if (await worker.StartAsync(WorkerSettings(settings, worker.Name, count), token))
            {
                started.Add(worker);
            }
        }

        await KeepAsync(
            async stop =>
            {
                await Task.WhenAll(programs.Select(program => WaitUntilReadyAsync(program, started.Contains(program), progress, stop)));
                // One that was ready may have died while another was starting
                while (programs.FirstOrDefault(program => !program.IsRunning) is { } died)
                {
                    await WaitUntilReadyAsync(died, isNew: true, progress, stop);
                }
            },
            progress,
            token
        );
        foreach (
            string lacks in (await Task.WhenAll(workers.Select(worker => worker.CheckAsync(token))))
                .Select(worker => worker.Clips)
                .OfType<string>()
                .Distinct()
        )
        {
            if (lacks != "on")
            {
                progress?.Report($"clips: {lacks}");
            }
        }
    }

    private static async Task WaitUntilReadyAsync(OwnProgram program, bool isNew, IProgress<string>? progress, CancellationToken token)
    {
        await program.WaitUntilReadyAsync(progress, TimeSpan.FromMinutes(3), token);
        if (isNew)
        {
            progress?.Report($"{program.Name} is ready at {program.Address}");
        }
    }

    /// <summary>The settings of a worker, with the machine's cores shared between the workers.</summary>
    private static Dictionary<string, string> WorkerSettings(IReadOnlyDictionary<string, string> settings, string name, int workers)
    {
        var own = new Dictionary<string, string>(settings) { ["Worker__Id"] = name };
        own.TryAdd("Worker__Threads", Math.Max(1, Environment.ProcessorCount / workers).ToString(CultureInfo.InvariantCulture));
        return own;
    }

    private async Task StopAsync(Predicate<string> which, IProgress<string>? progress, CancellationToken token)
    {
        if (which(SupervisorName))
        {
            await StopSupervisorAsync(token);
        }

        await StopProgramsAsync(which, progress, token);
        await Task.WhenAll(
            Servers
                .All.Where(server => which(server.Name))
                .Select(server => StopOneAsync(server.Name, server.IsRunning, server.StopAsync(token), progress))
        );
    }

    /// <summary>Stops programs, workers first, because they hand their jobs back.</summary>
    private async Task StopProgramsAsync(Predicate<string> which, IProgress<string>? progress, CancellationToken token)
    {
        await Task.WhenAll(Workers().Where(worker => which(worker.Name)).Select(StopAsync));
        if (which(Api.Name))
        {
            await StopAsync(Api);
        }

        Task StopAsync(OwnProgram program) => StopOneAsync(program.Name, program.IsRunning, program.StopAsync(token), progress);
    }

    private static async Task StopOneAsync(string name, bool ran, Task stop, IProgress<string>? progress)
    {
        await stop;
        if (ran)
        {
            progress?.Report($"{name} stopped");
        }
    }

    private async Task<IReadOnlySet<string>> RunningAsync(CancellationToken token) =>
        (await CheckAsync(token)).Where(process => process.IsRunning).Select(process => process.Name).ToHashSet();

    /// <summary>Waits until no other command changes the stack. The lock is released when the process that holds it ends.</summary>
    private async Task<FileStream> TakeTurnAsync(IProgress<string>? progress, CancellationToken token)
    {
        bool told = false;
        while (true)
        {
            token.ThrowIfCancellationRequested();
            if (TryTakeTurn() is { } turn)
            {
                return turn;
            }

            if (!told)
            {
                progress?.Report("waiting for another command that changes this stack");
                told = true;
            }

            await Task.Delay(100, token);
        }
    }

    /// <summary>Takes the lock; null while another command has it.</summary>
    private FileStream? TryTakeTurn()
    {
        try
        {
            return new FileStream(Path.Combine(Folder.Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed class Relay(IProgress<string> target, Func<string, string> word) : IProgress<string>
    {
        public void Report(string value) => target.Report(word(value));
    }
}
