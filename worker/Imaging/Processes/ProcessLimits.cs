using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Generation.Imaging.Processes;

/// <summary>Limits of a process, which the kernel enforces (prlimit(2)); null leaves one as it is.</summary>
internal sealed partial record ProcessLimits
{
    private const int ProcessorTimeResource = 0;
    private const int FileSizeResource = 1;
    private const int DataResource = 2;
    private const int CoreResource = 4;
    private const int AddressSpaceResource = 9;

    /// <summary>The processor time in seconds, of all threads together, over the whole life of the process.</summary>
    public long? ProcessorSeconds { get; init; }

    /// <summary>The largest file that it may write, in bytes; pipes have no limit.</summary>
    public long? FileBytes { get; init; }

    /// <summary>Its own memory that can be written to, in bytes.</summary>
    public long? DataBytes { get; init; }

    /// <summary>Its whole address space, in bytes: with programs, libraries and what is only reserved.</summary>
    public long? AddressSpaceBytes { get; init; }

    /// <summary>The same limits as arguments of prlimit(1), which starts a program under them.</summary>
    public IEnumerable<string> Arguments =>
        new (string Name, long? Value)[]
        {
            ("cpu", ProcessorSeconds),
            ("fsize", FileBytes),
            ("data", DataBytes),
            ("as", AddressSpaceBytes),
            ("core", 0),
        }
            .Where(limit => limit.Value is not null)
            .Select(limit => string.Create(CultureInfo.InvariantCulture, $"--{limit.Name}={limit.Value}"));

    /// <summary>Applies the limits to this process. It leaves no core file, either, which would hold its memory.</summary>
    /// <exception cref="Win32Exception">The kernel does not take one of them.</exception>
    public void Apply()
    {
        Set(ProcessorTimeResource, ProcessorSeconds);
        Set(FileSizeResource, FileBytes);
        Set(DataResource, DataBytes);
        Set(AddressSpaceResource, AddressSpaceBytes);
        Set(CoreResource, 0);
    }

    private static void Set(int resource, long? value)
    {
        const int thisProcess = 0;
        const int notPermitted = 1;
        if (
            value is { } limit
            && SetLimit(thisProcess, resource, [(ulong)limit, (ulong)limit], 0) != 0
            // A lower one stands, which only a privileged process may raise
            && Marshal.GetLastPInvokeError() != notPermitted
        )
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"prlimit: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    private static partial int SetLimit(int process, int resource, [In] ulong[] limit, nint old);
}

/// <summary>A user of this machine that owns nothing.</summary>
internal sealed partial record UnprivilegedUser(uint Id, uint Group)
{
    /// <summary>Linux's user and group for those who are nobody.</summary>
    public static UnprivilegedUser Nobody { get; } = new(65534, 65534);

    /// <summary>Whom a child of this process runs as: nobody where this process is root's, else, as null, the same user.</summary>
    public static UnprivilegedUser? ForChild => geteuid() == 0 ? Nobody : null;

    /// <summary>Whether users that own nothing may pass through a folder and all that it lies in.</summary>
    public static bool MayPass(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            if (!at.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Makes this user the owner of a file or folder.</summary>
    /// <exception cref="IOException">This process may not.</exception>
    public void Own(string path)
    {
        if (lchown(path, Id, Group) != 0)
        {
            throw new IOException($"{path} cannot be given to user {Id}: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint owner, uint group);
}
