using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Generation.Hosting.Servers;

/// <summary>What the framework does not say or do about processes, users and owners on Linux.</summary>
internal static partial class Posix
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    private const int NoSuchProcess = 3;

    public static bool IsRoot => geteuid() == 0;

    public static uint EffectiveUser => geteuid();

    /// <summary>Sends <paramref name="signal"/>; false where the process is already gone.</summary>
    /// <exception cref="Win32Exception">The process may not be signalled by this user.</exception>
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

    /// <summary>Gives a file or folder (never a link's target) to a user.</summary>
    public static void GiveTo(string path, SystemUser user)
    {
        if (lchown(path, user.Uid, user.Gid) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new Win32Exception(error, $"chown {user.Name} {path}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>The full path without links, of a file or folder that is there: the system names it so everywhere.</summary>
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
    /// <summary>The user of that name, or null. Service users of Debian's packages always stand in /etc/passwd.</summary>
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
    /// Whom a server runs as: its package's own user when we are root (PostgreSQL and RabbitMQ refuse root),
    /// and null, ourselves, otherwise.
    /// </summary>
    public static SystemUser? ForServer(string name) =>
        !Posix.IsRoot
            ? null
            : Find(name)
                ?? throw new ServerException($"There is no user '{name}' on this machine; Debian's package of the server makes it.");
}
