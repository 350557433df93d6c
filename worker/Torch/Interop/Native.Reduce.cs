using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/reduce.cpp: sums, extremes, orders.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_max_all(nint a);

    [DllImport(Library)]
    internal static extern nint gt_min_all(nint a);

    [DllImport(Library)]
    internal static extern nint gt_all_all(nint a);

    [DllImport(Library)]
    internal static extern nint gt_any_all(nint a);

    [DllImport(Library)]
    internal static extern nint gt_median_all(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sum(nint a, Longs dim, int keepdim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_mean(nint a, Longs dim, int keepdim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_std(nint a, Longs dim, int unbiased, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_var(nint a, Longs dim, int unbiased, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_prod(nint a, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_prod_dim(nint a, long dim, int keepdim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_amax(nint a, Longs dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_amin(nint a, Longs dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_all_dim(nint a, long dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_any_dim(nint a, long dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_logsumexp(nint a, Longs dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_norm(nint a, double p);

    [DllImport(Library)]
    internal static extern nint gt_norm_dim(nint a, double p, Longs dim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_cumsum(nint a, long dim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_cumprod(nint a, long dim, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_diff(nint a, long n, long dim);

    [DllImport(Library)]
    internal static extern nint gt_count_nonzero(nint a, Longs dim);

    [DllImport(Library)]
    internal static extern nint gt_argsort(nint a, long dim, int descending);

    [DllImport(Library)]
    internal static extern nint gt_quantile(nint a, nint q, long dim, int hasDim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_argmax(nint a, long dim, int hasDim, int keepdim);

    [DllImport(Library)]
    internal static extern nint gt_argmin(nint a, long dim, int hasDim, int keepdim);

    [DllImport(Library)]
    internal static extern nint* gt_max_dim(nint a, long dim, int keepdim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_min_dim(nint a, long dim, int keepdim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_sort(nint a, long dim, int descending, int stable, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_topk(nint a, long k, long dim, int largest, int sorted, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_cummax(nint a, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_cummin(nint a, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_var_mean(nint a, Longs dim, int unbiased, int keepdim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_std_mean(nint a, Longs dim, int unbiased, int keepdim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_unique(nint a, int sorted, int inverse, int counts, long* count);
}
