using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/bench.cpp: loops for the benchmark.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern double gt_bench_add(nint a, nint b, long count);

    [DllImport(Library)]
    internal static extern double gt_bench_transpose(nint a, long count);

    [DllImport(Library)]
    internal static extern double gt_bench_peak(int kind, double seconds);

    [DllImport(Library)]
    internal static extern double gt_bench_inside(int how);

    [DllImport(Library)]
    internal static extern byte* gt_bench_operations();
}
