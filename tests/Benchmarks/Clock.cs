using System.Diagnostics;

namespace Generation.Benchmarks;

internal static class Clock
{
    /// <summary>
    /// Seconds of the fastest call, of as many as fit into <paramref name="seconds"/> after one to warm up, three at least.
    /// </summary>
    public static double Best(Action call, double seconds = 1.0)
    {
        call();
        double best = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; n++)
        {
            best = Math.Min(best, Once(call));
        }

        return best;
    }

    /// <summary>The fastest calls of two that take turns, so that both meet the same machine.</summary>
    public static (double First, double Second) Best(Action first, Action second, double seconds = 2.0)
    {
        first();
        second();
        double a = double.PositiveInfinity,
            b = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; n++)
        {
            a = Math.Min(a, Once(first));
            b = Math.Min(b, Once(second));
        }

        return (a, b);
    }

    /// <summary>The one in the middle, or the mean of the two.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        double[] ordered = [.. values.Order()];
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }

    public static double Once(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
