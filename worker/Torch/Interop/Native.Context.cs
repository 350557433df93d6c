using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/context.cpp: the library's state.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern int gt_set_num_threads(int count);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_get_num_threads();

    [DllImport(Library)]
    internal static extern int gt_set_num_interop_threads(int count);

    [DllImport(Library)]
    internal static extern int gt_get_num_interop_threads();

    [DllImport(Library)]
    internal static extern int gt_set_grad_enabled(int enabled);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_is_grad_enabled();

    [DllImport(Library)]
    internal static extern void* gt_inference_mode(int enabled);

    [DllImport(Library)]
    internal static extern void gt_inference_mode_end(void* guard);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_is_inference_mode();

    [DllImport(Library)]
    internal static extern int gt_cuda_is_available();

    [DllImport(Library)]
    internal static extern byte* gt_version();

    [DllImport(Library)]
    internal static extern int gt_has_fused_attention();

    [DllImport(Library)]
    internal static extern void gt_manual_seed(long seed);

    [DllImport(Library)]
    internal static extern byte* gt_show_config();

    [DllImport(Library)]
    internal static extern void gt_release_memory();
}
