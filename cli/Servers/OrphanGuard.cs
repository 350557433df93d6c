using System.Diagnostics;

namespace Generation.Cli.Servers;

/// <summary>
/// Ends the servers of a temporary data folder, and deletes the folder, when this process ends in whatever way, kill -9 included:
/// a shell waits at a pipe whose other end only we hold, and then runs this program's `discard`.
/// </summary>
public static class OrphanGuard
{
    // The pipe closes when its Process object is collected: those here live as long as we do
    private static readonly List<Process> Guards = [];

    public static void Watch(DataFolder folder)
    {
        var info = new ProcessStartInfo("setsid")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        string[] arguments =
        [
            "sh",
            "-c",
            "read -r line; exec \"$@\" >/dev/null 2>&1",
            "sh",
            DotnetHost.Path,
            typeof(OrphanGuard).Assembly.Location,
            "discard",
            folder.Root,
        ];
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        Process guard = Process.Start(info) ?? throw new ServerException("A shell could not be started.");
        lock (Guards)
        {
            Guards.Add(guard);
        }
    }
}
