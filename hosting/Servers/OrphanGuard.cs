using System.Diagnostics;

namespace Generation.Hosting.Servers;

/// <summary>
/// Ends the processes of a temporary data folder, and deletes the folder, when this process ends in whatever way, even by kill -9: a shell
/// waits at a pipe whose other end only this process holds.
/// </summary>
public static class OrphanGuard
{
    /// <summary>
    /// Kills each process that is named in a record of <see cref="ManagedProcess"/>, unless its number belongs to another process by now;
    /// the supervisor first, because it would start the others again. Then deletes the folder, repeatedly while processes of a killed
    /// server still write into it.
    /// </summary>
    private const string Script = """
        read -r line
        exec >/dev/null 2>&1
        for record in "$1"/run/supervisor.json "$1"/run/*.json; do
          pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$record")
          start=$(sed -n 's/.*"startTicks": *\([0-9]*\).*/\1/p' "$record")
          [ -n "$pid" ] && [ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)" = "$start" ] && kill -9 "$pid"
        done
        for attempt in $(seq 200); do
          rm -rf "$1" && break
          sleep 0.1
        done
        """;

    // The pipe closes when its Process object is collected: those here live as long as we do
    private static readonly List<Process> Guards = [];

    /// <summary>Guards a folder until this process ends.</summary>
    public static void Watch(DataFolder folder)
    {
        lock (Guards)
        {
            Guards.Add(Start(folder));
        }
    }

    /// <summary>Starts a guard that acts when its standard input closes.</summary>
    /// <remarks>
    /// A command that a shell starts in the background reads /dev/null instead of the shell's input, unless it gets that input by another
    /// descriptor. The guard is not a child of this process, so that it survives whoever kills this process with all its children.
    /// </remarks>
    internal static Process Start(DataFolder folder) =>
        Process.Start(
            new ProcessStartInfo("sh", ["-c", "exec 3<&0; setsid sh -c \"$1\" sh \"$2\" <&3 3<&- &", "sh", Script, folder.Root])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                WorkingDirectory = "/",
            }
        ) ?? throw new ServerException("A shell could not be started.");
}
