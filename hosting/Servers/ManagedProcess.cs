using System.Diagnostics;
using System.Text.Json;

namespace Generation.Hosting.Servers;

/// <summary>What to start: a program in a session of its own, whose output goes to a log file.</summary>
internal sealed record Launch
{
    public required string Program { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Whether the process also gets this process's environment. It is for our own programs; servers must not depend on a shell.
    /// </summary>
    public bool InheritsEnvironment { get; init; }

    /// <summary>A text that stands for the version and settings of the program, so that a change can be noticed.</summary>
    public string? Edition { get; init; }

    /// <summary>The user that the process runs as; null for the present one. Only root may name another.</summary>
    public SystemUser? User { get; init; }

    public required string Folder { get; init; }

    public required string Log { get; init; }

    /// <summary>The port that the program will listen on, for those who read the record.</summary>
    public int? Port { get; init; }
}

/// <summary>
/// A process that outlives the command that starts it. A record in the run folder says which process it is; only the very process that the
/// record names is ever signalled.
/// </summary>
public sealed class ManagedProcess
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly string _recordPath;

    /// <param name="runFolder">The folder in which its record is kept.</param>
    /// <param name="name">Its name among the processes of the folder.</param>
    public ManagedProcess(string runFolder, string name)
    {
        Name = name;
        _recordPath = Path.Combine(runFolder, name + ".json");
    }

    public string Name { get; }

    /// <summary>Its process id, or null while it does not run.</summary>
    public int? Pid => Read() is { Process.IsAlive: true } record ? record.Process.Pid : null;

    /// <summary>The port that it listens on, or listened on when it last ran.</summary>
    public int? Port => Read()?.Port;

    public string? Log => Read()?.Log;

    /// <summary>The <see cref="Launch.Edition"/> that it was started with.</summary>
    internal string? Edition => Read()?.Edition;

    public bool IsRunning => Pid is not null;

    /// <summary>Whether it should run but does not: it was started and was not stopped on purpose.</summary>
    public bool IsMissing => Read() is { IsWanted: true, Process.IsAlive: false };

    /// <summary>
    /// How often it was started again after it died, counted from its last start on purpose, and when that last happened.
    /// </summary>
    public (int Count, DateTimeOffset? At) Restarts => Read() is { } record ? (record.Restarts, record.RestartedAt) : (0, null);

    /// <summary>Starts the program. The process id is that of the program itself, because each step before it is an exec.</summary>
    internal void Start(Launch launch)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(launch.Log)!);
        try
        {
            LogFile.Rotate(launch.Log);
        }
        catch (IOException)
        {
            // A log that stays as large as it is keeps no process from its start
        }

        // Not sh: Debian's drops from the environment what has a dot in its name, as Logging__LogLevel__Microsoft.AspNetCore
        var info = new ProcessStartInfo("/bin/bash") { WorkingDirectory = launch.Folder, UseShellExecute = false };
        // Descriptors of whoever called us (a lock, a pipe) must not stay open in a server
        info.ArgumentList.Add("-c");
        info.ArgumentList.Add("umask 077; log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-");
        info.ArgumentList.Add("bash");
        info.ArgumentList.Add(launch.Log);
        info.ArgumentList.Add("setsid");
        foreach (string argument in AsUser(launch.User).Append(launch.Program).Concat(launch.Arguments))
        {
            info.ArgumentList.Add(argument);
        }

        SetEnvironment(info, launch.Environment, launch.InheritsEnvironment);
        using Process process = Process.Start(info) ?? throw new ServerException($"{Name} could not be started.", launch.Log);
        ProcessIdentity identity = ProcessIdentity.Of(process.Id) ?? throw new ServerException($"{Name} ended at once.", launch.Log);
        ProcessRecord? before = Read();
        bool died = before is { IsWanted: true } && before.Process.BootId == identity.BootId && !before.Process.IsAlive;
        Write(
            new ProcessRecord(identity, launch.Port, launch.Log, launch.Edition)
            {
                Restarts = died ? before!.Restarts + 1 : 0,
                RestartedAt = died ? DateTimeOffset.UtcNow : null,
            }
        );
    }

    /// <summary>
    /// Asks the process to end and waits; after <paramref name="patience"/> it is killed. A supervisor does not start it again.
    /// </summary>
    internal async Task StopAsync(int signal, TimeSpan patience, CancellationToken token = default)
    {
        // First, so that no supervisor takes the end for a death
        if (Read() is { IsWanted: true } wanted)
        {
            Write(wanted with { IsWanted = false });
        }

        await EndAsync(signal, patience, token);
    }

    /// <summary>Kills the process without asking, like a power cut. A supervisor starts it again.</summary>
    public Task KillAsync(CancellationToken token = default) => EndAsync(Posix.SigKill, TimeSpan.FromSeconds(10), token);

    private async Task EndAsync(int signal, TimeSpan patience, CancellationToken token)
    {
        if (Read() is not { Process.IsAlive: true } record)
        {
            return;
        }

        Posix.Signal(record.Process.Pid, signal);
        if (!await WaitForEndAsync(record.Process, patience, token))
        {
            Posix.Signal(record.Process.Pid, Posix.SigKill);
            if (!await WaitForEndAsync(record.Process, TimeSpan.FromSeconds(10), token))
            {
                throw new ServerException($"{Name} (process {record.Process.Pid}) does not end, not even when killed.", record.Log);
            }
        }
    }

    /// <summary>Deletes the record of a process that has ended and will not be started again.</summary>
    internal void Forget() => File.Delete(_recordPath);

    /// <summary>Sends a signal to the process; false where it does not run.</summary>
    public bool Signal(int signal) => Read() is { Process.IsAlive: true } record && Posix.Signal(record.Process.Pid, signal);

    /// <summary>
    /// Waits until <paramref name="ready"/> returns true, which means that the program serves. Throws at once if the process ends before
    /// that, unless it is supervised.
    /// </summary>
    /// <param name="problem">Says what is wrong with a program that was not ready in time; null for "does not answer".</param>
    internal async Task WaitUntilAsync(
        Func<CancellationToken, Task<bool>> ready,
        TimeSpan limit,
        CancellationToken token,
        Func<string?>? problem = null,
        bool isSupervised = false
    )
    {
        var clock = Stopwatch.StartNew();
        while (!await ready(token))
        {
            if (!isSupervised && !IsRunning)
            {
                throw new ServerException($"{Name} ended while it was starting.", Log);
            }

            if (clock.Elapsed > limit)
            {
                throw new ServerException(
                    $"{Name} {problem?.Invoke() ?? "does not answer"}, {limit.TotalSeconds:0} s after its start.",
                    Log
                );
            }

            await Task.Delay(Poll * 2, token);
        }
    }

    /// <summary>Runs a program to its end, as <paramref name="user"/>, and returns its output.</summary>
    /// <exception cref="ServerException">The program ended with an error, or not in time.</exception>
    internal static async Task<string> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        SystemUser? user,
        string folder,
        string? input,
        CancellationToken token
    )
    {
        var info = new ProcessStartInfo("/usr/bin/env")
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in AsUser(user).Append(program).Concat(arguments))
        {
            info.ArgumentList.Add(argument);
        }

        SetEnvironment(info, environment, inherits: false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        using Process process = Process.Start(info) ?? throw new ServerException($"{program} could not be started.");
        try
        {
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended without reading; its exit code says why
            }

            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            string errors = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? await output
                : throw new ServerException($"{Path.GetFileName(program)} ended with {process.ExitCode}: {(errors + await output).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            token.ThrowIfCancellationRequested();
            throw new ServerException($"{Path.GetFileName(program)} did not end within 2 minutes.");
        }
    }

    private static string[] AsUser(SystemUser? user) =>
        user is null ? [] : ["setpriv", $"--reuid={user.Uid}", $"--regid={user.Gid}", "--clear-groups", "--"];

    private static void SetEnvironment(ProcessStartInfo info, IReadOnlyDictionary<string, string> environment, bool inherits)
    {
        if (!inherits)
        {
            string path = info.Environment.TryGetValue("PATH", out string? own) && own is not null ? own + ":" : "";
            info.Environment.Clear();
            info.Environment["PATH"] = path + "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
            info.Environment["LANG"] = "C.UTF-8";
        }

        foreach ((string key, string value) in environment)
        {
            info.Environment[key] = value;
        }
    }

    private static async Task<bool> WaitForEndAsync(ProcessIdentity process, TimeSpan limit, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        while (process.IsAlive)
        {
            if (clock.Elapsed > limit)
            {
                return false;
            }

            await Task.Delay(Poll, token);
        }

        return true;
    }

    private ProcessRecord? Read()
    {
        try
        {
            return JsonSerializer.Deserialize<ProcessRecord>(File.ReadAllText(_recordPath), Json);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private void Write(ProcessRecord record) => PrivateFile.Write(_recordPath, JsonSerializer.Serialize(record, Json));

    private sealed record ProcessRecord(ProcessIdentity Process, int? Port, string Log, string? Edition)
    {
        /// <summary>Whether it should run: it was started, and was not stopped on purpose.</summary>
        public bool IsWanted { get; init; } = true;

        public int Restarts { get; init; }

        public DateTimeOffset? RestartedAt { get; init; }
    }
}

/// <summary>A process that should run until it is stopped on purpose.</summary>
/// <param name="Process">The process.</param>
/// <param name="StartAsync">Starts it again. If it is a server, the task ends when it serves.</param>
public sealed record Supervised(ManagedProcess Process, Func<CancellationToken, Task> StartAsync);

/// <summary>
/// Identifies one process for all time: its number alone is later given to another process, and a file with a number outlives both.
/// </summary>
/// <param name="Pid">The process id.</param>
/// <param name="StartTicks">The time at which it began, in clock ticks since boot (/proc/PID/stat, field 22).</param>
/// <param name="BootId">The id of the boot of the machine (/proc/sys/kernel/random/boot_id).</param>
public sealed record ProcessIdentity(int Pid, ulong StartTicks, string BootId)
{
    /// <summary>
    /// Whether this very process runs. A zombie does not, but for one whose first thread has ended before the others: until the last of
    /// them has, its ports are taken and its files open.
    /// </summary>
    public bool IsAlive =>
        Stat(Pid) is { } stat
        && (stat.State is not ('Z' or 'X') || stat.Threads > 1)
        && stat.StartTicks == StartTicks
        && BootId == CurrentBoot();

    /// <summary>The process that has this number now, or null.</summary>
    public static ProcessIdentity? Of(int pid) => Stat(pid) is { } stat ? new ProcessIdentity(pid, stat.StartTicks, CurrentBoot()) : null;

    private static string CurrentBoot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static (char State, int Threads, ulong StartTicks)? Stat(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // The second field is the command in parentheses and may hold anything, parentheses included
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return fields.Length > 19 ? (fields[0][0], int.Parse(fields[17]), ulong.Parse(fields[19])) : null;
    }
}
