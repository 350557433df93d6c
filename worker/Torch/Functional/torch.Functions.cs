using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Tensor.Wrap(Native.gt_where(condition.Handle, x.Handle, y.Handle), condition, x, y);

    public static Tensor clamp(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp(min, max);

    public static Tensor clamp(Tensor input, Tensor? min = null, Tensor? max = null) => input.clamp(min, max);

    public static Tensor clip(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp(min, max);

    public static Tensor clamp_min(Tensor input, Scalar min) => input.clamp_min(min);

    public static Tensor clamp_max(Tensor input, Scalar max) => input.clamp_max(max);

    /// <summary>A number to the power of each element.</summary>
    public static Tensor pow(Scalar left, Tensor exponent) => Tensor.Wrap(Native.gt_rpow_scalar(exponent.Handle, left.Value), exponent);

    public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

    public static Tensor reshape(Tensor input, params long[] shape) => input.reshape(shape);

    public static Tensor permute(Tensor input, params long[] permutation) => input.permute(permutation);

    public static Tensor transpose(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);

    public static Tensor swapaxes(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);

    public static Tensor flatten(Tensor input, long start_dim = 0, long end_dim = -1) => input.flatten(start_dim, end_dim);

    public static Tensor unflatten(Tensor input, long dim, params long[] sizes) => input.unflatten(dim, sizes);

    public static Tensor squeeze(Tensor input, long? dim = null) => input.squeeze(dim);

    public static Tensor unsqueeze(Tensor input, long dim) => input.unsqueeze(dim);

    public static Tensor narrow(Tensor input, long dim, long start, long length) => input.narrow(dim, start, length);

    public static Tensor select(Tensor input, long dim, long index) => input.select(dim, index);

    public static Tensor broadcast_to(Tensor input, params long[] shape) => input.broadcast_to(shape);

    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);

    public static Tensor roll(Tensor input, long shifts, long? dims = null) => input.roll(shifts, dims);

    public static Tensor roll(Tensor input, long[] shifts, long[] dims) => input.roll(shifts, dims);

    public static Tensor tile(Tensor input, long[] reps) => input.tile(reps);

    public static Tensor repeat_interleave(Tensor input, long repeats, long? dim = null, long? output_size = null) => input.repeat_interleave(repeats, dim);

    public static Tensor repeat_interleave(Tensor input, Tensor repeats, long? dim = null, long? output_size = null) => input.repeat_interleave(repeats, dim);

    public static Tensor movedim(Tensor input, long source, long destination) => input.movedim(source, destination);

    public static Tensor movedim(Tensor input, long[] source, long[] destination) => input.movedim(source, destination);

    public static Tensor[] chunk(Tensor input, long chunks, long dim = 0L) => input.chunk(chunks, dim);

    public static Tensor[] split(Tensor tensor, long split_size_or_sections, long dim = 0L) => tensor.split(split_size_or_sections, dim);

    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0L) => tensor.split(split_size_or_sections, dim);

    public static Tensor[] unbind(Tensor input, long dim = 0L) => input.unbind(dim);

    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);

    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);

    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);

    public static Tensor scatter(Tensor input, long dim, Tensor index, Tensor src) => input.scatter(dim, index, src);

    public static Tensor tril(Tensor input, long diagonal = 0L) => input.tril(diagonal);

    public static Tensor triu(Tensor input, long diagonal = 0L) => input.triu(diagonal);

    public static Tensor diag(Tensor input, long diagonal = 0) => input.diag(diagonal);

    public static Tensor diagonal(Tensor input, long offset = 0L, long dim1 = 0L, long dim2 = 1L) => input.diagonal(offset, dim1, dim2);

    public static Tensor rot90(Tensor input, long k = 1, (long, long)? dims = null) => input.rot90(k, dims);

    public static Tensor clone(Tensor input) => input.clone();

    public static Tensor sum(Tensor input, ScalarType? type = null) => input.sum(type);

    public static Tensor sum(Tensor input, ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => input.sum(dim, keepdim, type);

    public static Tensor sum(Tensor input, long dim, bool keepdim = false, ScalarType? type = null) => input.sum(dim, keepdim, type);

    public static Tensor mean(Tensor input) => input.mean();

    public static Tensor mean(Tensor input, long[] dimensions, bool keepdim = false, ScalarType? type = null) => input.mean(dimensions, keepdim, type);

    public static Tensor std(Tensor input, bool unbiased = true) => input.std(unbiased);

    public static Tensor std(Tensor input, long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => input.std(dimensions, unbiased, keepdim, type);

    public static Tensor var(Tensor input, bool unbiased = true) => input.var(unbiased);

    public static Tensor var(Tensor input, long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => input.var(dimensions, unbiased, keepdim, type);

    public static Tensor prod(Tensor input, ScalarType? dtype = null) => input.prod(dtype);

    public static Tensor max(Tensor input) => input.max();

    public static Tensor min(Tensor input) => input.min();

    public static Tensor max(Tensor input, Tensor other) => input.maximum(other);

    public static Tensor min(Tensor input, Tensor other) => input.minimum(other);

    public static (Tensor values, Tensor indexes) max(Tensor input, long dim, bool keepdim = false) => input.max(dim, keepdim);

    public static (Tensor values, Tensor indexes) min(Tensor input, long dim, bool keepdim = false) => input.min(dim, keepdim);

    public static Tensor amax(Tensor input, long[] dims, bool keepdim = false) => input.amax(dims, keepdim);

    public static Tensor amin(Tensor input, long[] dims, bool keepdim = false) => input.amin(dims, keepdim);

    public static Tensor all(Tensor input) => input.all();

    public static Tensor any(Tensor input) => input.any();

    public static Tensor argmax(Tensor input) => input.argmax();

    public static Tensor argmax(Tensor input, long dim, bool keepdim = false) => input.argmax(dim, keepdim);

    public static Tensor argmin(Tensor input) => input.argmin();

    public static Tensor argmin(Tensor input, long dim, bool keepdim = false) => input.argmin(dim, keepdim);

    public static Tensor cumsum(Tensor input, long dim, ScalarType? type = null) => input.cumsum(dim, type);

    public static Tensor cumprod(Tensor input, long dim, ScalarType? dtype = null) => input.cumprod(dim, dtype);

    public static Tensor diff(Tensor input, long n = 1, long dim = -1) => input.diff(n, dim);

    public static (Tensor values, Tensor indices) sort(Tensor input, long dim = -1, bool descending = false, bool stable = false) => input.sort(dim, descending, stable);

    public static Tensor argsort(Tensor input, long dim = -1, bool descending = false) => input.argsort(dim, descending);

    public static (Tensor values, Tensor indices) topk(Tensor tensor, int k, int dim = -1, bool largest = true, bool sorted = true) => tensor.topk(k, dim, largest, sorted);

    public static Tensor quantile(Tensor input, Tensor q, long dim = -1, bool keepdim = false) => input.quantile(q, dim, keepdim);

    public static Tensor norm(Tensor input) => input.norm();

    public static Tensor searchsorted(Tensor sorted_sequence, Tensor values, bool out_int32 = false, bool right = false) =>
        Tensor.Wrap(Native.gt_searchsorted(sorted_sequence.Handle, values.Handle, out_int32 ? 1 : 0, right ? 1 : 0), sorted_sequence, values);

    public static Tensor isin(Tensor tensor, Tensor test_elements, bool assumeUnique = false, bool invert = false) => tensor.isin(test_elements, assumeUnique, invert);

    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2.0) => Tensor.Wrap(Native.gt_cdist(x1.Handle, x2.Handle, p), x1, x2);

    public static Tensor nan_to_num(Tensor input, double nan = 0d, double? posinf = null, double? neginf = null) => input.nan_to_num(nan, posinf, neginf);

    public static bool is_floating_point(Tensor t) => t.is_floating_point();

    /// <summary>torch.linalg.</summary>
    public static unsafe class linalg
    {
        public static Tensor inv(Tensor input) => Tensor.Wrap(Native.gt_linalg_inv(input.Handle), input);

        public static Tensor pinv(Tensor input) => Tensor.Wrap(Native.gt_linalg_pinv(input.Handle), input);

        public static Tensor cholesky(Tensor input) => Tensor.Wrap(Native.gt_linalg_cholesky(input.Handle), input);

        public static Tensor det(Tensor input) => input.det();

        public static Tensor solve(Tensor A, Tensor B) => Tensor.Wrap(Native.gt_linalg_solve(A.Handle, B.Handle), A, B);

        public static Tensor vector_norm(Tensor input, double ord = 2d, long[]? dims = null, bool keepdim = false)
        {
            fixed (long* data = dims)
            {
                return Tensor.Wrap(Native.gt_linalg_vector_norm(input.Handle, ord, dims is null ? default : Longs.Of(data, dims.Length), keepdim ? 1 : 0), input);
            }
        }

        public static Tensor norm(Tensor input, long[]? dims = null, bool keepdim = false) => vector_norm(input, 2, dims, keepdim);

        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true)
        {
            long count;
            Tensor[] all = Tensor.WrapMany(Native.gt_linalg_svd(input.Handle, fullMatrices ? 1 : 0, &count), count, input);
            return (all[0], all[1], all[2]);
        }

        public static (Tensor Q, Tensor R) qr(Tensor input)
        {
            long count;
            Tensor[] all = Tensor.WrapMany(Native.gt_linalg_qr(input.Handle, &count), count, input);
            return (all[0], all[1]);
        }
    }
}
