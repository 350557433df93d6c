using System.Runtime.InteropServices;

namespace Generation.Imaging.Video;

/// <summary>Applies limits to a child process, which the kernel enforces (prlimit(2)).</summary>
internal static partial class ProcessLimits
{
    private const int ProcessorSeconds = 0;
    private const int FileSize = 1;
    private const int CoreSize = 4;
    private const int AddressSpace = 9;

    /// <summary>
    /// Applies the limits. The processor time follows from time and threads, so that a process that nobody waits for any more is limited,
    /// too.
    /// </summary>
    public static void Apply(int process, VideoLimits limits)
    {
        Set(process, ProcessorSeconds, (long)Math.Ceiling(limits.Time.TotalSeconds * (limits.Threads + 1)));
        Set(process, FileSize, limits.FileBytes);
        Set(process, CoreSize, 0);
        Set(process, AddressSpace, limits.MemoryBytes);
    }

    private static void Set(int process, int resource, long value)
    {
        ulong[] limit = [(ulong)value, (ulong)value];
        // A process that has ended already needs no limit
        _ = SetLimit(process, resource, limit, 0);
    }

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    private static partial int SetLimit(int process, int resource, [In] ulong[] limit, nint old);
}
