using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Generation.Imaging.Processes;

/// <summary>
/// A child process with an environment of its own, which holds nothing of ours, and without a way to more rights. It does not outlive this
/// process, even after kill -9: setpriv(1) asks the kernel to kill it when its parent ends (PR_SET_PDEATHSIG in prctl(2)). For the kernel
/// the parent is the thread that started it, so one thread is kept for this.
/// </summary>
internal sealed class GuardedProcess : IDisposable
{
    /// <summary>The programs that a start goes through.</summary>
    public static readonly IReadOnlyList<string> Programs = [SetPrivileges, SetLimits];

    /// <summary>The package of these programs.</summary>
    public const string Package = "util-linux";

    private const string SetPrivileges = "setpriv";
    private const string SetLimits = "prlimit";
    private const int NotFound = 127;

    /// <summary>How much of what it writes to its standard error is kept, in characters.</summary>
    private const int TailLength = 2000;

    private readonly ManualResetEventSlim _over = new();
    private readonly string _program;
    private readonly StringBuilder _errors = new();
    private readonly Task _reading;

    private GuardedProcess(string program, Process process)
    {
        (_program, Process) = (program, process);
        _reading = ReadErrorsAsync();
    }

    public Process Process { get; }

    /// <summary>Starts a program with its standard input, output and error redirected.</summary>
    /// <param name="program">Its path, or the name by which <c>PATH</c> finds it.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Its variables, besides <c>PATH</c>; nothing of this process's environment is passed on.</param>
    /// <param name="user">Whom it runs as; null is the user of this process. Only root may name another.</param>
    /// <param name="limits">What it may use; null: as much as this process.</param>
    /// <exception cref="ProcessStartException">The program could not be started.</exception>
    public static async Task<GuardedProcess> StartAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        UnprivilegedUser? user = null,
        ProcessLimits? limits = null
    )
    {
        var start = new ProcessStartInfo(limits is null ? SetPrivileges : SetLimits)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        // Before it becomes another user's: afterwards the kernel may not let us
        foreach (string argument in limits is null ? [] : (string[])[.. limits.Arguments, "--", SetPrivileges])
        {
            start.ArgumentList.Add(argument);
        }

        string[] asUser = user is null ? [] : [$"--reuid={user.Id}", $"--regid={user.Group}", "--clear-groups"];
        foreach (string argument in (string[])[.. asUser, "--no-new-privs", "--pdeathsig", "KILL", "--", program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        var started = new TaskCompletionSource<GuardedProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Guard(start, program, started)) { Name = $"guard of {program}", IsBackground = true }.Start();
        return await started.Task;
    }

    /// <summary>Whether it ended because the program is not installed.</summary>
    public bool WasNotFound => Process.HasExited && Process.ExitCode == NotFound;

    /// <summary>The message for a program that is not installed.</summary>
    public string NotFoundMessage => $"{_program} is not there; install the package {_program}.";

    /// <summary>Waits until it has ended, and returns the end of what it wrote to its standard error.</summary>
    public async Task<string> WaitForEndAsync(CancellationToken cancellationToken)
    {
        await Process.WaitForExitAsync(cancellationToken);
        await _reading.WaitAsync(cancellationToken);
        lock (_errors)
        {
            return _errors.ToString().Trim();
        }
    }

    /// <summary>Kills the process if it still runs, and waits until it has ended.</summary>
    public async Task EndAsync()
    {
        if (!Process.HasExited)
        {
            Process.Kill(entireProcessTree: true);
            await Process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Releases the process; if it still runs, the kernel kills it.</summary>
    public void Dispose()
    {
        _over.Set();
        Process.Dispose();
    }

    /// <summary>Reads all that it writes, so that it never waits for a reader, and keeps the end.</summary>
    private async Task ReadErrorsAsync()
    {
        char[] part = new char[1024];
        try
        {
            while (await Process.StandardError.ReadAsync(part) is > 0 and var count)
            {
                lock (_errors)
                {
                    _errors.Append(part, 0, count);
                    if (_errors.Length > TailLength)
                    {
                        _errors.Remove(0, _errors.Length - TailLength);
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It was let go: nobody asks for its words any more
        }
    }

    private static void Guard(ProcessStartInfo start, string program, TaskCompletionSource<GuardedProcess> started)
    {
        GuardedProcess guarded;
        try
        {
            Process process = Process.Start(start) ?? throw new ProcessStartException($"{program} could not be started.");
            guarded = new GuardedProcess(program, process);
        }
        catch (Win32Exception e)
        {
            started.SetException(new ProcessStartException($"{start.FileName} is not there; install the package {Package}.", e));
            return;
        }
        catch (Exception e)
        {
            started.SetException(e);
            return;
        }

        started.SetResult(guarded);
        guarded._over.Wait();
    }
}

/// <summary>A program could not be started. The message says what to install.</summary>
internal sealed class ProcessStartException(string message, Exception? inner = null) : Exception(message, inner);
