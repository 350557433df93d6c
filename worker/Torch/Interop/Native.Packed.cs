using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/packed.cpp: packed layers.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern void* gt_pack_linear(nint weight, nint bias);

    [DllImport(Library)]
    internal static extern void* gt_pack_conv2d(nint weight, nint bias, Longs stride, Longs padding);

    [DllImport(Library)]
    internal static extern void gt_packed_free(void* packed);

    [DllImport(Library)]
    internal static extern nint gt_packed_linear(void* packed, nint x, nint added, int inPlace);

    [DllImport(Library)]
    internal static extern nint gt_packed_geglu(void* packed, nint x);

    [DllImport(Library)]
    internal static extern nint gt_packed_conv2d(void* packed, nint x, nint added, int inPlace);

    [DllImport(Library)]
    internal static extern int gt_packs(int dtype);
}
