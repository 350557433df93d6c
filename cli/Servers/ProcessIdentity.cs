namespace Generation.Cli.Servers;

/// <summary>
/// One process of one boot: a number alone is given to another process later, and a file with a number outlives both.
/// </summary>
/// <param name="Pid">Process id.</param>
/// <param name="StartTicks">When it began, in clock ticks since boot (/proc/PID/stat, field 22).</param>
/// <param name="BootId">Which boot of the machine (/proc/sys/kernel/random/boot_id).</param>
public sealed record ProcessIdentity(int Pid, ulong StartTicks, string BootId)
{
    /// <summary>Whether this very process runs (a zombie does not).</summary>
    public bool IsAlive => Stat(Pid) is { State: not ('Z' or 'X') } stat && stat.StartTicks == StartTicks && BootId == CurrentBoot();

    /// <summary>The process that has this number now, or null.</summary>
    public static ProcessIdentity? Of(int pid) => Stat(pid) is { } stat ? new ProcessIdentity(pid, stat.StartTicks, CurrentBoot()) : null;

    private static string CurrentBoot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static (char State, ulong StartTicks)? Stat(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // The second field is the command in parentheses and may hold anything, parentheses included
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return fields.Length > 19 ? (fields[0][0], ulong.Parse(fields[19])) : null;
    }
}
