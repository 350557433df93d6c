using System.ComponentModel;
using System.Runtime.InteropServices;
using Generation.Imaging.Processes;

namespace Generation.Decoder;

/// <summary>
/// What this process gives up for good before it sees a file: memory and time without end, root's rights, and all system calls that
/// decoding does not need. After it no file can be opened, no connection made, no process started and no other process signalled, whatever
/// a file makes of the program.
/// </summary>
internal static partial class Confinement
{
    private const int SetDeathSignal = 1;
    private const int SetDumpable = 4;
    private const int SetName = 15;
    private const int Kill = 9;

    /// <summary>Confines this process.</summary>
    /// <returns>What could not be given up on this machine, and how to mend that; null where all was.</returns>
    /// <exception cref="Win32Exception">A limit could not be set, or root's rights could not be given up.</exception>
    public static string? Apply(ProcessLimits limits)
    {
        limits.Apply();
        if (UnprivilegedUser.ForChild is { } user)
        {
            Check(setgroups(0, 0), "setgroups");
            Check(setresgid(user.Group, user.Group, user.Group), "setresgid");
            Check(setresuid(user.Id, user.Id, user.Id), "setresuid");
        }

        // No process of the same user may look into this one, and it still ends with the one that it serves: another user takes that back
        Check(prctl(SetDumpable, 0, 0, 0, 0), "prctl");
        Check(prctl(SetDeathSignal, Kill, 0, 0, 0), "prctl");
        try
        {
            return FilterSystemCalls();
        }
        catch (DllNotFoundException)
        {
            return "libseccomp.so.2 is not there, so that system calls are not filtered; install the package libseccomp2";
        }
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>What reads and writes open pipes, manages memory and threads, and nothing else. .NET needs most of it.</summary>
    internal static readonly string[] Allowed =
    [
        .. (string[])["read", "readv", "write", "writev", "close", "fstat", "lseek", "poll", "ppoll"],
        .. (string[])["mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "mincore", "membarrier", "get_mempolicy"],
        .. (string[])["futex", "futex_waitv", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "getcpu", "gettid", "getpid"],
        .. (string[])["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "alarm", "setitimer"],
        .. (string[])["clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "sysinfo", "getrusage", "getrandom"],
        .. (string[])["exit", "exit_group"],
    ];

    private static string? FilterSystemCalls()
    {
        const uint allow = 0x7FFF_0000;
        const uint fail = 0x0005_0000;
        const uint notPermitted = 1;
        const uint notThere = 38;
        const int allThreads = 4;
        const uint thread = 0x0001_0000;
        nint filter = seccomp_init(fail | notPermitted);
        try
        {
            bool isWhole = filter != 0 && seccomp_attr_set(filter, allThreads, 1) == 0;
            foreach (string call in Allowed)
            {
                isWhole &= Add(allow, call);
            }

            // Threads, and no processes; what cannot be looked into is said not to exist, and the older call is made instead
            isWhole &= Add(allow, "clone", new Condition(0, Comparison.MaskedEqual, thread, thread));
            isWhole &= Add(fail | notThere, "clone3");
            // Only to itself, as .NET interrupts its threads
            isWhole &= Add(allow, "tgkill", new Condition(0, Comparison.Equal, (ulong)Environment.ProcessId));
            isWhole &= Add(allow, "prctl", new Condition(0, Comparison.Equal, SetName));
            // To ask, not to set
            isWhole &= Add(allow, "prlimit64", new Condition(0, Comparison.Equal, 0), new Condition(2, Comparison.Equal, 0));
            int error = isWhole ? seccomp_load(filter) : -1;
            return error == 0 ? null : $"system calls cannot be filtered here (seccomp: {error}); the kernel or a container forbids it";
        }
        finally
        {
            seccomp_release(filter);
        }

        // A call that this processor's kernel does not have (-1) needs no rule
        bool Add(uint action, string call, params Condition[] conditions) =>
            seccomp_syscall_resolve_name(call) is var number
            && (number < 0 || seccomp_rule_add_array(filter, action, number, (uint)conditions.Length, conditions) == 0);
    }

    private enum Comparison
    {
        Equal = 4,
        MaskedEqual = 7,
    }

    /// <summary>A condition on an argument of a system call (struct scmp_arg_cmp); for masks, the mask comes first.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Condition(uint Argument, Comparison Comparison, ulong First, ulong Second = 0);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setgroups(nuint count, nint groups);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libseccomp.so.2")]
    private static partial nint seccomp_init(uint defaultAction);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_attr_set(nint filter, int attribute, uint value);

    [LibraryImport("libseccomp.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int seccomp_syscall_resolve_name(string name);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_rule_add_array(nint filter, uint action, int call, uint count, [In] Condition[] conditions);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_load(nint filter);

    [LibraryImport("libseccomp.so.2")]
    private static partial void seccomp_release(nint filter);
}
