using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/create.cpp: tensors from nothing, numbers and memory.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_empty(Longs size, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_zeros(Longs size, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_ones(Longs size, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_full(Longs size, ScalarValue value, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_empty_strided(Longs size, Longs strides, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_arange(ScalarValue start, ScalarValue end, ScalarValue step, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_linspace(double start, double end, long steps, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_logspace(double start, double end, long steps, double @base, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_eye(long rows, long columns, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_empty_like(nint a, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_zeros_like(nint a, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_ones_like(nint a, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_full_like(nint a, ScalarValue value, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_from_bytes(void* source, int sourceDtype, Longs size, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_from_memory(void* memory, Longs size, Longs strides, int dtype, void* context, delegate* unmanaged<void*, void> release);
}
