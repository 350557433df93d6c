using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/fused.cpp: fused passes.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_fused_group_norm(nint a, long groups, nint weight, nint bias, double eps, int silu, nint added);

    [DllImport(Library)]
    internal static extern nint gt_geglu(nint a);

    [DllImport(Library)]
    internal static extern int gt_can_fuse(nint a);

    [DllImport(Library)]
    internal static extern nint gt_converted(void* from, int stored, Longs shape, int dtype);
}
