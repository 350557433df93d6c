using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/linalg.cpp: decompositions.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_linalg_inv(nint a);

    [DllImport(Library)]
    internal static extern nint gt_linalg_pinv(nint a);

    [DllImport(Library)]
    internal static extern nint gt_linalg_cholesky(nint a);

    [DllImport(Library)]
    internal static extern nint gt_linalg_vector_norm(nint a, double ord, Longs dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint* gt_linalg_svd(nint a, int full, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_linalg_qr(nint a, long* count);
}
