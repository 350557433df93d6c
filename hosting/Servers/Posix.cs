using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Generation.Hosting.Servers;

/// <summary>Functions for processes, users and owners on Linux that the framework does not have.</summary>
internal static partial class Posix
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    private const int NoSuchProcess = 3;

    public static bool IsRoot => geteuid() == 0;

    public static uint EffectiveUser => geteuid();

    /// <summary>Sends <paramref name="signal"/>; false where the process has ended already.</summary>
    /// <exception cref="Win32Exception">This user may not signal the process.</exception>
    public static bool Signal(int pid, int signal)
    {
        if (kill(pid, signal) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess
            ? false
            : throw new Win32Exception(error, $"signal {signal} to process {pid}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Makes a user the owner of a file or folder (never of a link's target).</summary>
    public static void GiveTo(string path, SystemUser user)
    {
        if (lchown(path, user.Uid, user.Gid) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new Win32Exception(error, $"chown {user.Name} {path}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>The full path without links of an existing file or folder, as the system names it everywhere.</summary>
    public static string RealPath(string path) =>
        realpath(path, 0) is { } real
            ? real
            : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"realpath {path}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int lchown(string path, uint owner, uint group);

    // What it answers is free'd as .NET frees the strings it is given: by free()
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial string? realpath(string path, nint resolved);
}

/// <summary>A user of this machine.</summary>
internal sealed record SystemUser(string Name, uint Uid, uint Gid)
{
    /// <summary>The user with a name, or null. The service users of Debian's packages are always in /etc/passwd.</summary>
    public static SystemUser? Find(string name)
    {
        foreach (string line in File.ReadLines("/etc/passwd"))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 3 && fields[0] == name)
            {
                return new SystemUser(name, uint.Parse(fields[2]), uint.Parse(fields[3]));
            }
        }

        return null;
    }

    /// <summary>
    /// The user that a server runs as: the user of its package when this process is root's (PostgreSQL and RabbitMQ refuse root), and null,
    /// the present user, otherwise.
    /// </summary>
    public static SystemUser? ForServer(string name) =>
        !Posix.IsRoot
            ? null
            : Find(name)
                ?? throw new ServerException($"There is no user '{name}' on this machine; Debian's package of the server makes it.");
}
