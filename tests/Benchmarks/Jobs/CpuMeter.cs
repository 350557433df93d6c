using System.Globalization;

namespace Generation.Benchmarks.Jobs;

/// <summary>Which of the processes of a measure used how much processor time: what limits it.</summary>
internal sealed class CpuMeter
{
    private const double TicksPerSecond = 100;

    private readonly IReadOnlyList<(string Name, int Pid)> _roots;
    private readonly Dictionary<string, double> _before;

    /// <summary>Measures from now on; a process counts with its children.</summary>
    public CpuMeter(IReadOnlyList<(string Name, int Pid)> roots)
    {
        _roots = roots;
        _before = Read();
    }

    /// <summary>Milliseconds of processor time of each, for one of <paramref name="count"/> things done since the beginning.</summary>
    public string Per(double count)
    {
        Dictionary<string, double> now = Read();
        return "CPU ms each: "
            + string.Join(
                ", ",
                _roots
                    .Select(r => r.Name)
                    .Distinct()
                    .Select(name =>
                        string.Create(CultureInfo.InvariantCulture, $"{name} {(now[name] - _before[name]) * 1000 / count:0.000}")
                    )
            );
    }

    private Dictionary<string, double> Read()
    {
        var parents = new Dictionary<int, int>();
        var ticks = new Dictionary<int, double>();
        foreach (string folder in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out int pid) && Stat(pid) is { } stat)
            {
                // After the name, which may hold anything: state, parent, ... user and system time of it and its waited-for children
                string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                parents[pid] = int.Parse(fields[1], CultureInfo.InvariantCulture);
                ticks[pid] = fields[11..15].Sum(f => double.Parse(f, CultureInfo.InvariantCulture));
            }
        }

        var seconds = _roots.Select(r => r.Name).Distinct().ToDictionary(n => n, _ => 0.0);
        foreach ((int pid, double used) in ticks)
        {
            // The nearest ancestor that is named: this process is the others' parent
            for (int at = pid; at > 1; at = parents.GetValueOrDefault(at))
            {
                if (_roots.FirstOrDefault(r => r.Pid == at).Name is { } name)
                {
                    seconds[name] += used / TicksPerSecond;
                    break;
                }
            }
        }

        return seconds;
    }

    private static string? Stat(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat");
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
