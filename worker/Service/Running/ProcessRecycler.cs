using System.Runtime.InteropServices;

namespace Generation.Service.Running;

/// <summary>
/// Restarts the process under its own id, after its jobs are handed back: the memory that a failed allocation left inconsistent is gone,
/// and whoever supervises the process sees it live on.
/// </summary>
internal sealed partial class ProcessRecycler(IHostApplicationLifetime lifetime, ILogger<ProcessRecycler> logger)
{
    private int _requested;

    /// <summary>Whether the process is to restart instead of ending.</summary>
    public bool IsRequested => Volatile.Read(ref _requested) != 0;

    /// <summary>Hands all jobs back and then restarts.</summary>
    public void Request(string reason)
    {
        if (Interlocked.Exchange(ref _requested, 1) == 0)
        {
            WorkerLog.Recycling(logger, reason);
            lifetime.StopApplication();
        }
    }

    /// <summary>
    /// Replaces the process image by a fresh one with the same arguments and environment. Returns only where that is not possible; whoever
    /// supervises the process then starts it again, because of its exit code.
    /// </summary>
    public static void BeginAnew()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string[] arguments = File.ReadAllText("/proc/self/cmdline").Split('\0', StringSplitOptions.None)[..^1];
        _ = Execute("/proc/self/exe", [.. arguments, null]);
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}

/// <summary>Ends the process.</summary>
internal static partial class ProcessExit
{
    /// <summary>
    /// Ends the process at once, without the exit handlers of its native libraries. Those may hang where a computation still runs, because
    /// they wait for threads that are still computing.
    /// </summary>
    public static void AtOnce(int code)
    {
        if (OperatingSystem.IsLinux())
        {
            Exit(code);
        }
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}
