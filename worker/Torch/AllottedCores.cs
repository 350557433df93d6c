using System.Globalization;

namespace Generation.Torch;

/// <summary>The processor cores that this process may compute on.</summary>
internal static class AllottedCores
{
    /// <summary>
    /// The number of physical cores in this process's affinity, one for each pair of hardware threads, but no more than the share of time
    /// that its control group has (a container's CPU limit). At least one.
    /// </summary>
    public static int Count()
    {
        // .NET counts the affinity and the control group's limit, in hardware threads
        int available = Environment.ProcessorCount;
        int physical = Allowed()
            .Select(static cpu =>
                TryRead($"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") ?? cpu.ToString(CultureInfo.InvariantCulture)
            )
            .Distinct(StringComparer.Ordinal)
            .Count();
        return Math.Max(1, physical == 0 ? available : Math.Min(available, physical));
    }

    // "Cpus_allowed_list:	0-3,8" of /proc/self/status
    private static IEnumerable<int> Allowed()
    {
        const string Label = "Cpus_allowed_list:";
        string? list = TryRead("/proc/self/status")
            ?.Split('\n')
            .FirstOrDefault(static line => line.StartsWith(Label, StringComparison.Ordinal))
            ?[Label.Length..];
        foreach (string range in (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            if (
                int.TryParse(ends[0], CultureInfo.InvariantCulture, out int first)
                && int.TryParse(ends[^1], CultureInfo.InvariantCulture, out int last)
            )
            {
                for (int cpu = first; cpu <= last; cpu++)
                {
                    yield return cpu;
                }
            }
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
