using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Views, orders of axes, repeats and cuts.</summary>
    public sealed unsafe partial class Tensor
    {
        public Tensor reshape(params long[] shape)
        {
            fixed (long* data = shape)
            {
                return Wrap(Native.gt_reshape(Handle, Longs.Of(data, shape.Length)), this);
            }
        }

        public Tensor view(params long[] shape)
        {
            fixed (long* data = shape)
            {
                return Wrap(Native.gt_view(Handle, Longs.Of(data, shape.Length)), this);
            }
        }

        /// <summary>The same memory read as another type.</summary>
        public Tensor view(ScalarType dtype) => Wrap(Native.gt_view_dtype(Handle, (int)dtype), this);

        public Tensor view_as(Tensor other) => view(other.shape);

        public Tensor reshape_as(Tensor other) => reshape(other.shape);

        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0L)
        {
            fixed (long* data = size, steps = strides)
            {
                return Wrap(Native.gt_as_strided(Handle, Longs.Of(data, size.Length), Longs.Of(steps, strides.Length), storageOffset), this);
            }
        }

        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false)
        {
            fixed (long* data = sizes)
            {
                return Wrap(Native.gt_expand(Handle, Longs.Of(data, sizes.Length)), this);
            }
        }

        public Tensor expand(params long[] sizes) => expand(sizes.AsSpan());

        public Tensor expand(long[] sizes, bool isImplicit = false) => expand(sizes.AsSpan(), isImplicit);

        public Tensor expand(Size sizes, bool isImplicit = false) => expand(sizes.Shape.AsSpan(), isImplicit);

        public Tensor expand_as(Tensor other) => expand(other.shape.AsSpan());

        public Tensor broadcast_to(params long[] shape) => expand(shape.AsSpan());

        public Tensor repeat(params long[] sizes)
        {
            fixed (long* data = sizes)
            {
                return Wrap(Native.gt_repeat(Handle, Longs.Of(data, sizes.Length)), this);
            }
        }

        public Tensor tile(params long[] reps)
        {
            fixed (long* data = reps)
            {
                return Wrap(Native.gt_tile(Handle, Longs.Of(data, reps.Length)), this);
            }
        }

        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Wrap(Native.gt_repeat_interleave(Handle, repeats, dim ?? 0, dim.HasValue ? 1 : 0), this);

        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Wrap(Native.gt_repeat_interleave_tensor(Handle, repeats.Handle, dim ?? 0, dim.HasValue ? 1 : 0), this, repeats);

        public Tensor permute(params long[] permutation)
        {
            fixed (long* data = permutation)
            {
                return Wrap(Native.gt_permute(Handle, Longs.Of(data, permutation.Length)), this);
            }
        }

        public Tensor transpose(long dim0, long dim1) => Wrap(Native.gt_transpose(Handle, dim0, dim1), this);

        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);

        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);

        public Tensor movedim(long[] source, long[] destination)
        {
            fixed (long* from = source, to = destination)
            {
                return Wrap(Native.gt_movedim(Handle, Longs.Of(from, source.Length), Longs.Of(to, destination.Length)), this);
            }
        }

        public Tensor movedim(long source, long destination) => movedim([source], [destination]);

        public Tensor moveaxis(long[] source, long[] destination) => movedim(source, destination);

        public Tensor moveaxis(long source, long destination) => movedim([source], [destination]);

        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Wrap(Native.gt_flatten(Handle, start_dim, end_dim), this);

        public Tensor unflatten(long dim, params long[] sizes)
        {
            fixed (long* data = sizes)
            {
                return Wrap(Native.gt_unflatten(Handle, dim, Longs.Of(data, sizes.Length)), this);
            }
        }

        public Tensor squeeze(long? dim = null) => Wrap(dim.HasValue ? Native.gt_squeeze_dim(Handle, dim.Value) : Native.gt_squeeze(Handle), this);

        public Tensor unsqueeze(long dim) => Wrap(Native.gt_unsqueeze(Handle, dim), this);

        public Tensor narrow(long dim, long start, long length) => Wrap(Native.gt_narrow(Handle, dim, start, length), this);

        public Tensor select(long dim, long index) => Wrap(Native.gt_select(Handle, dim, index), this);

        public Tensor slice(long dim, long start, long finish, long step) => Wrap(Native.gt_slice(Handle, dim, start, finish, step), this);

        public Tensor flip(params long[] dims)
        {
            fixed (long* data = dims)
            {
                return Wrap(Native.gt_flip(Handle, Longs.Of(data, dims.Length)), this);
            }
        }

        public Tensor roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default)
        {
            fixed (long* by = shifts, along = dims)
            {
                return Wrap(Native.gt_roll(Handle, Longs.Of(by, shifts.Length), new Longs(along, dims.Length)), this);
            }
        }

        public Tensor roll(long shifts, long? dims = null) => dims.HasValue ? roll([shifts], [dims.Value]) : roll([shifts], default(ReadOnlySpan<long>));

        public Tensor roll(long[] shifts) => roll(shifts.AsSpan());

        public Tensor roll(long[] shifts, long[] dims) => roll(shifts.AsSpan(), dims.AsSpan());

        public Tensor roll((long, long) shifts, (long, long) dims) => roll([shifts.Item1, shifts.Item2], [dims.Item1, dims.Item2]);

        public Tensor rot90(long k = 1, (long, long)? dims = null)
        {
            long* plane = stackalloc long[2] { dims?.Item1 ?? 0, dims?.Item2 ?? 1 };
            return Wrap(Native.gt_rot90(Handle, k, new Longs(plane, 2)), this);
        }

        public Tensor diag(long diagonal = 0) => Wrap(Native.gt_diag(Handle, diagonal), this);

        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => Wrap(Native.gt_diagonal(Handle, offset, dim1, dim2), this);

        public Tensor tril(long diagonal = 0) => Wrap(Native.gt_tril(Handle, diagonal), this);

        public Tensor triu(long diagonal = 0) => Wrap(Native.gt_triu(Handle, diagonal), this);

        /// <summary>Windows of <paramref name="size"/> along a dimension, as a new last dimension.</summary>
        public Tensor unfold(long dimension, long size, long step) => Wrap(Native.gt_unfold_dim(Handle, dimension, size, step), this);

        public Tensor[] chunk(long chunks, long dim = 0L)
        {
            long count;
            return WrapMany(Native.gt_chunk(Handle, chunks, dim, &count), count, this);
        }

        public Tensor[] split(long size, long dim = 0)
        {
            long count;
            return WrapMany(Native.gt_split(Handle, size, dim, &count), count, this);
        }

        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0)
        {
            fixed (long* data = sizes)
            {
                long count;
                return WrapMany(Native.gt_split_sizes(Handle, Longs.Of(data, sizes.Length), dim, &count), count, this);
            }
        }

        public Tensor[] split(long[] sizes, long dim = 0) => split(sizes.AsSpan(), dim);

        public Tensor[] tensor_split(long size, long dim = 0L)
        {
            long count;
            return WrapMany(Native.gt_tensor_split(Handle, size, dim, &count), count, this);
        }

        public Tensor[] unbind(long dimension = 0L)
        {
            long count;
            return WrapMany(Native.gt_unbind(Handle, dimension, &count), count, this);
        }
    }
}
