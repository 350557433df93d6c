using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/shape.cpp: views, joins, cuts, indices.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_reshape(nint a, Longs shape);

    [DllImport(Library)]
    internal static extern nint gt_view(nint a, Longs shape);

    [DllImport(Library)]
    internal static extern nint gt_view_dtype(nint a, int dtype);

    [DllImport(Library)]
    internal static extern nint gt_as_strided(nint a, Longs size, Longs stride, long offset);

    [DllImport(Library)]
    internal static extern nint gt_expand(nint a, Longs size);

    [DllImport(Library)]
    internal static extern nint gt_repeat(nint a, Longs repeats);

    [DllImport(Library)]
    internal static extern nint gt_tile(nint a, Longs repeats);

    [DllImport(Library)]
    internal static extern nint gt_permute(nint a, Longs dims);

    [DllImport(Library)]
    internal static extern nint gt_transpose(nint a, long dim0, long dim1);

    [DllImport(Library)]
    internal static extern nint gt_movedim(nint a, Longs source, Longs destination);

    [DllImport(Library)]
    internal static extern nint gt_flatten(nint a, long start, long end);

    [DllImport(Library)]
    internal static extern nint gt_squeeze(nint a);

    [DllImport(Library)]
    internal static extern nint gt_squeeze_dim(nint a, long dim);

    [DllImport(Library)]
    internal static extern nint gt_unsqueeze(nint a, long dim);

    [DllImport(Library)]
    internal static extern nint gt_narrow(nint a, long dim, long start, long length);

    [DllImport(Library)]
    internal static extern nint gt_select(nint a, long dim, long index);

    [DllImport(Library)]
    internal static extern nint gt_slice(nint a, long dim, long start, long end, long step);

    [DllImport(Library)]
    internal static extern nint gt_flip(nint a, Longs dims);

    [DllImport(Library)]
    internal static extern nint gt_roll(nint a, Longs shifts, Longs dims);

    [DllImport(Library)]
    internal static extern nint gt_rot90(nint a, long k, Longs dims);

    [DllImport(Library)]
    internal static extern nint gt_diag(nint a, long diagonal);

    [DllImport(Library)]
    internal static extern nint gt_diagonal(nint a, long offset, long dim1, long dim2);

    [DllImport(Library)]
    internal static extern nint gt_unfold_dim(nint a, long dim, long size, long step);

    [DllImport(Library)]
    internal static extern nint gt_repeat_interleave(nint a, long repeats, long dim, int hasDim);

    [DllImport(Library)]
    internal static extern nint gt_repeat_interleave_tensor(nint a, nint repeats, long dim, int hasDim);

    [DllImport(Library)]
    internal static extern nint gt_unflatten(nint a, long dim, Longs sizes);

    [DllImport(Library)]
    internal static extern nint gt_cat(Handles tensors, long dim);

    [DllImport(Library)]
    internal static extern nint gt_stack(Handles tensors, long dim);

    [DllImport(Library)]
    internal static extern nint* gt_meshgrid(Handles tensors, int xy, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_broadcast_tensors(Handles tensors, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_chunk(nint a, long chunks, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_split(nint a, long size, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_split_sizes(nint a, Longs sizes, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_tensor_split(nint a, long sections, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint* gt_unbind(nint a, long dim, long* count);

    [DllImport(Library)]
    internal static extern nint gt_gather(nint a, long dim, nint index);

    [DllImport(Library)]
    internal static extern nint gt_index_select(nint a, long dim, nint index);

    [DllImport(Library)]
    internal static extern nint gt_scatter(nint a, long dim, nint index, nint source);

    [DllImport(Library)]
    internal static extern int gt_scatter_(nint a, long dim, nint index, nint source);

    [DllImport(Library)]
    internal static extern nint gt_scatter_add(nint a, long dim, nint index, nint source);

    [DllImport(Library)]
    internal static extern nint gt_index_add(nint a, long dim, nint index, nint source, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern int gt_index_add_(nint a, long dim, nint index, nint source, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern nint gt_index_copy(nint a, long dim, nint index, nint source);

    [DllImport(Library)]
    internal static extern int gt_index_copy_(nint a, long dim, nint index, nint source);

    [DllImport(Library)]
    internal static extern nint gt_index_fill(nint a, long dim, nint index, ScalarValue value);

    [DllImport(Library)]
    internal static extern int gt_index_fill_(nint a, long dim, nint index, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_masked_fill(nint a, nint mask, ScalarValue value);

    [DllImport(Library)]
    internal static extern int gt_masked_fill_(nint a, nint mask, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_masked_select(nint a, nint mask);

    [DllImport(Library)]
    internal static extern nint gt_masked_scatter(nint a, nint mask, nint source);

    [DllImport(Library)]
    internal static extern nint gt_take(nint a, nint index);

    [DllImport(Library)]
    internal static extern nint gt_take_along_dim(nint a, nint index, long dim, int hasDim);

    [DllImport(Library)]
    internal static extern nint gt_where(nint condition, nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_searchsorted(nint sorted, nint values, int outInt32, int right);

    [DllImport(Library)]
    internal static extern nint gt_bucketize(nint a, nint boundaries, int outInt32, int right);

    [DllImport(Library)]
    internal static extern nint gt_isin(nint a, nint elements, int unique, int invert);

    [DllImport(Library)]
    internal static extern nint gt_index(nint a, IndexPart* parts, long count);

    [DllImport(Library)]
    internal static extern int gt_index_put_(nint a, IndexPart* parts, long count, nint value, int accumulate);

    [DllImport(Library)]
    internal static extern int gt_index_put_scalar_(nint a, IndexPart* parts, long count, ScalarValue value);
}
