using System.Diagnostics;
using Generation.Torch.Interop;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>Which multiply-adds.</summary>
public enum PeakKind
{
    Float32 = 0,
    VectorBfloat16 = 1,
    TileBfloat16 = 2,
}

/// <summary>What benchmarks are held against: the same calls in C++, the processor's own speed, the time of each operation.</summary>
public static unsafe class NativeBenchmark
{
    /// <summary>Nanoseconds of one addition in a C++ loop of <paramref name="calls"/>.</summary>
    public static double Additions(Tensor a, Tensor b, long calls) => Native.gt_bench_add(a.Handle, b.Handle, calls) / calls;

    /// <summary>Nanoseconds of one transposition in a C++ loop of <paramref name="calls"/>.</summary>
    public static double Transpositions(Tensor a, long calls) => Native.gt_bench_transpose(a.Handle, calls) / calls;

    /// <summary>Operations a second (a multiply-add counts twice) of a loop of nothing else, over libtorch's threads; 0 where the processor has none.</summary>
    public static double Peak(PeakKind kind, double seconds = 1.0) => Native.gt_bench_peak((int)kind, seconds);

    /// <summary>Seconds of <paramref name="work"/>, and of these the seconds outside of operations; the one in the middle of so many times.</summary>
    public static (double Whole, double Outside) Outside(Action work, int times)
    {
        ArgumentNullException.ThrowIfNull(work);
        var measured = new List<(double Whole, double Outside)>();
        for (int i = 0; i < times; i++)
        {
            _ = Native.gt_bench_inside(1);
            double inside;
            long start = Stopwatch.GetTimestamp();
            double whole;
            try
            {
                work();
                whole = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
            finally
            {
                inside = Native.gt_bench_inside(0);
            }

            measured.Add((whole, whole - inside));
        }

        return measured.OrderBy(one => one.Outside).ElementAt(times / 2);
    }

    /// <summary>Seconds, calls and name of each operation that <paramref name="work"/> calls, the longest first.</summary>
    /// <param name="withArguments">Tells calls with other shapes apart.</param>
    public static IReadOnlyList<(string Name, int Calls, double Seconds)> Operations(Action work, bool withArguments = false)
    {
        ArgumentNullException.ThrowIfNull(work);
        _ = Native.gt_bench_inside(withArguments ? 3 : 2);
        try
        {
            work();
        }
        finally
        {
            _ = Native.gt_bench_inside(0);
        }

        string lines = Native.Text(Native.gt_bench_operations());
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 3))
            .Select(parts => (parts[2], int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture), long.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture) * 1e-9))
            .OrderByDescending(one => one.Item3)];
    }
}
