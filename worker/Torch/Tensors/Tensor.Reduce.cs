using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Sums, extremes, orders.</summary>
    public sealed unsafe partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Wrap(Native.gt_sum(Handle, default, 0, TypeOf(type)), this);

        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dim)
            {
                return Wrap(Native.gt_sum(Handle, Longs.Of(data, dim.Length), keepdim ? 1 : 0, TypeOf(type)), this);
            }
        }

        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => sum(dim.AsSpan(), keepdim, type);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => sum([dim], keepdim, type);

        public Tensor mean() => Wrap(Native.gt_mean(Handle, default, 0, -1), this);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dimensions)
            {
                return Wrap(Native.gt_mean(Handle, Longs.Of(data, dimensions.Length), keepdim ? 1 : 0, TypeOf(type)), this);
            }
        }

        public Tensor std(bool unbiased = true) => Wrap(Native.gt_std(Handle, default, unbiased ? 1 : 0, 0), this);

        public Tensor std(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dimensions)
            {
                return Cast(Wrap(Native.gt_std(Handle, Longs.Of(data, dimensions.Length), unbiased ? 1 : 0, keepdim ? 1 : 0), this), type);
            }
        }

        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(dimensions.AsSpan(), unbiased, keepdim, type);

        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);

        public Tensor var(bool unbiased = true) => Wrap(Native.gt_var(Handle, default, unbiased ? 1 : 0, 0), this);

        public Tensor var(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dimensions)
            {
                return Cast(Wrap(Native.gt_var(Handle, Longs.Of(data, dimensions.Length), unbiased ? 1 : 0, keepdim ? 1 : 0), this), type);
            }
        }

        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(dimensions.AsSpan(), unbiased, keepdim, type);

        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);

        public (Tensor std, Tensor mean) std_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dimensions)
            {
                long count;
                return Pair(WrapMany(Native.gt_std_mean(Handle, Longs.Of(data, dimensions.Length), unbiased ? 1 : 0, keepdim ? 1 : 0, &count), count, this));
            }
        }

        public (Tensor @var, Tensor mean) var_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* data = dimensions)
            {
                long count;
                return Pair(WrapMany(Native.gt_var_mean(Handle, Longs.Of(data, dimensions.Length), unbiased ? 1 : 0, keepdim ? 1 : 0, &count), count, this));
            }
        }

        public Tensor prod(ScalarType? type = null) => Wrap(Native.gt_prod(Handle, TypeOf(type)), this);

        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Wrap(Native.gt_prod_dim(Handle, dim, keepdim ? 1 : 0, TypeOf(type)), this);

        public Tensor max() => Wrap(Native.gt_max_all(Handle), this);

        public Tensor min() => Wrap(Native.gt_min_all(Handle), this);

        public Tensor max(Tensor other) => maximum(other);

        public Tensor min(Tensor other) => minimum(other);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false)
        {
            long count;
            return Pair(WrapMany(Native.gt_max_dim(Handle, dim, keepdim ? 1 : 0, &count), count, this));
        }

        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false)
        {
            long count;
            return Pair(WrapMany(Native.gt_min_dim(Handle, dim, keepdim ? 1 : 0, &count), count, this));
        }

        public Tensor amax(params long[] dims) => amax(dims, keepdim: false);

        public Tensor amax(long[] dims, bool keepdim = false)
        {
            fixed (long* data = dims)
            {
                return Wrap(Native.gt_amax(Handle, Longs.Of(data, dims.Length), keepdim ? 1 : 0), this);
            }
        }

        public Tensor amin(params long[] dims) => amin(dims, keepdim: false);

        public Tensor amin(long[] dims, bool keepdim = false)
        {
            fixed (long* data = dims)
            {
                return Wrap(Native.gt_amin(Handle, Longs.Of(data, dims.Length), keepdim ? 1 : 0), this);
            }
        }

        public (Tensor min, Tensor max) aminmax(long? dim = null, bool keepdim = false) =>
            dim.HasValue ? (amin([dim.Value], keepdim), amax([dim.Value], keepdim)) : (min(), max());

        public Tensor all() => Wrap(Native.gt_all_all(Handle), this);

        public Tensor all(long dim, bool keepdim = false) => Wrap(Native.gt_all_dim(Handle, dim, keepdim ? 1 : 0), this);

        public Tensor any() => Wrap(Native.gt_any_all(Handle), this);

        public Tensor any(long dim, bool keepdim = false) => Wrap(Native.gt_any_dim(Handle, dim, keepdim ? 1 : 0), this);

        public Tensor median() => Wrap(Native.gt_median_all(Handle), this);

        public Tensor argmax() => Wrap(Native.gt_argmax(Handle, 0, 0, 0), this);

        public Tensor argmax(long dim, bool keepdim = false) => Wrap(Native.gt_argmax(Handle, dim, 1, keepdim ? 1 : 0), this);

        public Tensor argmin() => Wrap(Native.gt_argmin(Handle, 0, 0, 0), this);

        public Tensor argmin(long dim, bool keepdim = false) => Wrap(Native.gt_argmin(Handle, dim, 1, keepdim ? 1 : 0), this);

        public Tensor logsumexp(long dim, bool keepdim = false) => Wrap(Native.gt_logsumexp(Handle, new Longs(&dim, 1), keepdim ? 1 : 0), this);

        public Tensor norm(float p = 2.0f) => Wrap(Native.gt_norm(Handle, p), this);

        public Tensor norm(int dim, bool keepdim = false, float p = 2.0f)
        {
            long along = dim;
            return Wrap(Native.gt_norm_dim(Handle, p, new Longs(&along, 1), keepdim ? 1 : 0), this);
        }

        public Tensor cumsum(long dim, ScalarType? type = null) => Wrap(Native.gt_cumsum(Handle, dim, TypeOf(type)), this);

        public Tensor cumprod(long dim, ScalarType? type = null) => Wrap(Native.gt_cumprod(Handle, dim, TypeOf(type)), this);

        public (Tensor values, Tensor indexes) cummax(long dim)
        {
            long count;
            return Pair(WrapMany(Native.gt_cummax(Handle, dim, &count), count, this));
        }

        public (Tensor values, Tensor indexes) cummin(long dim)
        {
            long count;
            return Pair(WrapMany(Native.gt_cummin(Handle, dim, &count), count, this));
        }

        public Tensor diff(long n = 1, long dim = -1) => Wrap(Native.gt_diff(Handle, n, dim), this);

        public Tensor count_nonzero(long[]? dims = null)
        {
            fixed (long* data = dims)
            {
                return Wrap(Native.gt_count_nonzero(Handle, dims is null ? default : Longs.Of(data, dims.Length)), this);
            }
        }

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false)
        {
            long count;
            return Pair(WrapMany(Native.gt_sort(Handle, dim, descending ? 1 : 0, stable ? 1 : 0, &count), count, this));
        }

        public Tensor argsort(long dim = -1, bool descending = false) => Wrap(Native.gt_argsort(Handle, dim, descending ? 1 : 0), this);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true)
        {
            long count;
            return Pair(WrapMany(Native.gt_topk(Handle, k, dim, largest ? 1 : 0, sorted ? 1 : 0, &count), count, this));
        }

        public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => Wrap(Native.gt_quantile(Handle, q.Handle, dim, 1, keepdim ? 1 : 0), this, q);

        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            if (dim.HasValue)
            {
                throw new NotSupportedException("unique is there over all elements, not along a dimension");
            }

            long count;
            Tensor[] all = WrapMany(Native.gt_unique(Handle, sorted ? 1 : 0, return_inverse ? 1 : 0, return_counts ? 1 : 0, &count), count, this);
            return (all[0], Wanted(all[1], return_inverse), Wanted(all[2], return_counts));
        }

        private static Tensor? Wanted(Tensor tensor, bool wanted)
        {
            if (wanted)
            {
                return tensor;
            }

            tensor.Dispose();
            return null;
        }

        private static (Tensor, Tensor) Pair(Tensor[] both) => (both[0], both[1]);

        private static Tensor Cast(Tensor made, ScalarType? type) => type is { } other && other != made.dtype ? made.to_type(other, disposeAfter: true) : made;
    }
}
