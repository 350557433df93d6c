using System.Diagnostics;

namespace Generation.Cli.Output;

/// <summary>
/// Reports progress as lines with the time since the command began. Safe for use by several threads; lines keep their order.
/// </summary>
internal sealed class ProgressLines : IProgress<string>
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();

    /// <summary>The time since the command began.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    public void Report(string value)
    {
        lock (_lock)
        {
            Console.Error.WriteLine($"  {_clock.Elapsed.TotalSeconds, 6:0.0} s  {value}");
        }
    }
}
