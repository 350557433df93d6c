using System.Runtime.InteropServices;

namespace Generation.Service.Jobs;

/// <summary>The end of the process.</summary>
internal static partial class ProcessExit
{
    /// <summary>
    /// Ends the process without the farewells of its native libraries. Where a computation that outlasted the stop still runs,
    /// those may hang: they wait for threads that are still computing.
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
