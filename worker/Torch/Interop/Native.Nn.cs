using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/nn.cpp: layers.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_linear(nint a, nint weight, nint bias);

    [DllImport(Library)]
    internal static extern nint gt_conv1d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs dilation, long groups);

    [DllImport(Library)]
    internal static extern nint gt_conv2d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs dilation, long groups);

    [DllImport(Library)]
    internal static extern nint gt_conv3d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs dilation, long groups);

    [DllImport(Library)]
    internal static extern nint gt_conv_transpose1d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs outputPadding, long groups, Longs dilation);

    [DllImport(Library)]
    internal static extern nint gt_conv_transpose2d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs outputPadding, long groups, Longs dilation);

    [DllImport(Library)]
    internal static extern nint gt_conv_transpose3d(nint a, nint weight, nint bias, Longs stride, Longs padding, Longs outputPadding, long groups, Longs dilation);

    [DllImport(Library)]
    internal static extern nint gt_layer_norm(nint a, Longs shape, nint weight, nint bias, double eps);

    [DllImport(Library)]
    internal static extern nint gt_group_norm(nint a, long groups, nint weight, nint bias, double eps);

    [DllImport(Library)]
    internal static extern nint gt_instance_norm(nint a, nint weight, nint bias, double eps);

    [DllImport(Library)]
    internal static extern nint gt_batch_norm(nint a, nint mean, nint var, nint weight, nint bias, int training, double momentum, double eps);

    [DllImport(Library)]
    internal static extern nint gt_softmax(nint a, long dim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_log_softmax(nint a, long dim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_embedding(nint weight, nint indices);

    [DllImport(Library)]
    internal static extern nint gt_one_hot(nint a, long classes);

    [DllImport(Library)]
    internal static extern nint gt_pixel_shuffle(nint a, long factor);

    [DllImport(Library)]
    internal static extern nint gt_pixel_unshuffle(nint a, long factor);

    [DllImport(Library)]
    internal static extern nint gt_mse_loss(nint a, nint b, long reduction);

    [DllImport(Library)]
    internal static extern nint gt_l1_loss(nint a, nint b, long reduction);

    [DllImport(Library)]
    internal static extern nint gt_cosine_similarity(nint a, nint b, long dim, double eps);

    [DllImport(Library)]
    internal static extern nint gt_avg_pool2d(nint a, Longs kernel, Longs stride, Longs padding, int ceilMode, int countIncludePad);

    [DllImport(Library)]
    internal static extern nint gt_max_pool2d(nint a, Longs kernel, Longs stride, Longs padding, Longs dilation, int ceilMode);

    [DllImport(Library)]
    internal static extern nint gt_adaptive_avg_pool2d(nint a, Longs size);

    [DllImport(Library)]
    internal static extern nint gt_unfold(nint a, Longs kernel, Longs dilation, Longs padding, Longs stride);

    [DllImport(Library)]
    internal static extern nint gt_fold(nint a, Longs size, Longs kernel, Longs dilation, Longs padding, Longs stride);

    [DllImport(Library)]
    internal static extern nint gt_pad(nint a, Longs pad, int mode, double value);

    [DllImport(Library)]
    internal static extern nint gt_interpolate(nint a, Longs size, Doubles factors, int mode, int alignCorners, int recompute, int antialias);

    [DllImport(Library)]
    internal static extern nint gt_grid_sample(nint a, nint grid, long mode, long padding, int alignCorners);

    [DllImport(Library)]
    internal static extern nint gt_dropout(nint a, double p, int training);

    [DllImport(Library)]
    internal static extern nint gt_fused_attention(nint query, nint key, nint value, nint mask, int causal, double scale);
}
