using System.Runtime.InteropServices;

namespace Generation.Fuzzing;

/// <summary>The time that this thread has had a processor for, whatever else runs on the machine.</summary>
internal static partial class ThreadCpu
{
    private const int ThreadClock = 3;

    /// <summary>The time so far.</summary>
    public static TimeSpan Used =>
        ClockGetTime(ThreadClock, out Timespec time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
            : throw new InvalidOperationException("clock_gettime(CLOCK_THREAD_CPUTIME_ID) failed.");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
