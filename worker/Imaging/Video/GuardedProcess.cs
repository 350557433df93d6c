using System.ComponentModel;
using System.Diagnostics;

namespace Generation.Imaging.Video;

/// <summary>
/// A child process that does not outlive this one, even after kill -9: setpriv(1) asks the kernel to kill it when its parent ends
/// (PR_SET_PDEATHSIG in prctl(2)). For the kernel the parent is the thread that started it, so one thread is kept for this.
/// </summary>
internal sealed class GuardedProcess : IDisposable
{
    private const int NotFound = 127;

    private readonly ManualResetEventSlim _over = new();
    private readonly string _program;

    private GuardedProcess(string program, Process process) => (_program, Process) = (program, process);

    public Process Process { get; }

    /// <summary>Starts a program with its standard input and error redirected.</summary>
    /// <exception cref="VideoException">The program could not be started.</exception>
    public static async Task<GuardedProcess> StartAsync(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("setpriv")
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in (string[])["--pdeathsig", "KILL", "--", program, .. arguments])
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

    private static void Guard(ProcessStartInfo start, string program, TaskCompletionSource<GuardedProcess> started)
    {
        GuardedProcess guarded;
        try
        {
            Process process = Process.Start(start) ?? throw new VideoException($"{program} could not be started.");
            guarded = new GuardedProcess(program, process);
        }
        catch (Win32Exception e)
        {
            started.SetException(new VideoException("setpriv is not there; install the package util-linux.", e));
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
