using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/tensor.cpp: what a tensor is.</summary>
internal static unsafe partial class Native
{
    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_dim(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern long gt_numel(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_dtype(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern long gt_element_size(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern long gt_storage_offset(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_device_type(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_device_index(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_is_inference(nint a);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern void gt_sizes(nint a, long* @out);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern void gt_strides(nint a, long* @out);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_is_contiguous(nint a, int memoryFormat);

    [SuppressGCTransition, DllImport(Library)]
    internal static extern int gt_is_same(nint a, nint b);

    [DllImport(Library)]
    internal static extern void* gt_data(nint a);

    [DllImport(Library)]
    internal static extern nint gt_contiguous(nint a, int memoryFormat);

    [DllImport(Library)]
    internal static extern nint gt_clone(nint a, int memoryFormat);

    [DllImport(Library)]
    internal static extern nint gt_alias(nint a);

    [DllImport(Library)]
    internal static extern nint gt_detach(nint a);

    [DllImport(Library)]
    internal static extern nint gt_to(nint a, int dtype, int copy, int nonBlocking);

    [DllImport(Library)]
    internal static extern nint gt_to_device(nint a, int dtype, int deviceType, int deviceIndex, int copy, int nonBlocking);

    [DllImport(Library)]
    internal static extern int gt_copy_(nint a, nint source, int nonBlocking);

    [DllImport(Library)]
    internal static extern int gt_item(nint a, ScalarValue* @out);

    [DllImport(Library)]
    internal static extern nint gt_set_(nint a, nint source);

    [DllImport(Library)]
    internal static extern int gt_requires_grad_(nint a, int value);
}
