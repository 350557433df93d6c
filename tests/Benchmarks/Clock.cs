using System.Diagnostics;

namespace Generation.Benchmarks;

internal static class Clock
{
    /// <summary>Seconds of the fastest call, of as many as fit into <paramref name="seconds"/> after one to warm up, three at least.</summary>
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
        double a = double.PositiveInfinity, b = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; n++)
        {
            a = Math.Min(a, Once(first));
            b = Math.Min(b, Once(second));
        }

        return (a, b);
    }

    /// <summary>
    /// How many times as long the first takes as the second: the median over pairs, made in turns of either order, since a machine that
    /// others use changes its speed from one second to the next. The times are the medians of each.
    /// </summary>
    public static (double First, double Second, double Ratio) Pairs(Action first, Action second, int pairs)
    {
        first();
        second();
        var (a, b, ratios) = (new double[pairs], new double[pairs], new double[pairs]);
        for (int i = 0; i < pairs; i++)
        {
            if (i % 2 == 0)
            {
                a[i] = Once(first);
                b[i] = Once(second);
            }
            else
            {
                b[i] = Once(second);
                a[i] = Once(first);
            }

            ratios[i] = a[i] / b[i];
        }

        return (Median(a), Median(b), Median(ratios));
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    public static double Once(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
