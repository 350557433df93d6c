using System.Diagnostics;

namespace Generation.Cli.Output;

/// <summary>Progress as lines with the time since the command began. Safe from several threads, and in order.</summary>
internal sealed class Lines : IProgress<string>
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();

    /// <summary>Since the command began.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    public void Report(string value)
    {
        lock (_lock)
        {
            Console.Error.WriteLine($"  {_clock.Elapsed.TotalSeconds, 6:0.0} s  {value}");
        }
    }
}
