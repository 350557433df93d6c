namespace Generation.Storage.History;

/// <summary>
/// How many jobs ran for how long, in classes of which each is a fifth longer than the one before: what is counted for two spans of time
/// can be added, and percentiles read from it are at most a tenth off.
/// </summary>
public sealed class RunTimeHistogram
{
    /// <summary>The lower end of the second class, in seconds; shorter times are in the first.</summary>
    public const double Least = 0.01;

    /// <summary>How much longer the times of a class are than those of the one before.</summary>
    public const double Factor = 1.2;

    /// <summary>The number of classes; the last holds all that is longer than a day.</summary>
    public const int Classes = 90;

    private readonly long[] _counts = new long[Classes];

    /// <summary>No jobs.</summary>
    public RunTimeHistogram() { }

    /// <summary>What <see cref="Counts"/> gave, up to a class behind which there are none.</summary>
    public RunTimeHistogram(ReadOnlySpan<long> counts) => counts[..Math.Min(counts.Length, Classes)].CopyTo(_counts);

    /// <summary>The number of jobs.</summary>
    public long Total => _counts.Sum();

    /// <summary>The number of jobs in each class, without the empty classes at the end.</summary>
    public long[] Counts => _counts[..(Array.FindLastIndex(_counts, count => count > 0) + 1)];

    /// <summary>The class of a time.</summary>
    public static int ClassOf(double seconds) =>
        seconds < Least ? 0 : Math.Clamp(1 + (int)Math.Floor(Math.Log(seconds / Least) / Math.Log(Factor)), 0, Classes - 1);

    /// <summary>Counts jobs of one class.</summary>
    public void Add(int @class, long jobs) => _counts[Math.Clamp(@class, 0, Classes - 1)] += jobs;

    /// <summary>Counts the jobs of another histogram.</summary>
    public void Add(RunTimeHistogram other)
    {
        for (int @class = 0; @class < Classes; @class++)
        {
            _counts[@class] += other._counts[@class];
        }
    }

    /// <summary>The time in seconds that so large a share of the jobs did not exceed; null where there are no jobs.</summary>
    /// <param name="share">From 0 to 1: 0.5 for the median.</param>
    public double? Percentile(double share)
    {
        long total = Total;
        if (total == 0)
        {
            return null;
        }

        long rank = Math.Max(1, (long)Math.Ceiling(share * total));
        int @class = 0;
        for (long seen = _counts[0]; seen < rank; seen += _counts[@class])
        {
            @class++;
        }

        // The middle of the class, on the scale on which classes are equally wide
        return @class == 0 ? Least : Least * Math.Pow(Factor, @class - 0.5);
    }
}
