using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/error.cpp: errors and lifetimes.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern byte* gt_last_error();

    [SuppressGCTransition, DllImport(Library)]
    internal static extern long gt_live_tensors();

    [DllImport(Library)]
    internal static extern void gt_free(nint tensor);

    [DllImport(Library)]
    internal static extern void gt_free_array(nint* handles);
}
