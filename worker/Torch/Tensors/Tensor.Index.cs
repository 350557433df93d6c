using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Parts of a tensor by index, mask and table.</summary>
    public sealed unsafe partial class Tensor
    {
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params long[] indices]
        {
            get => index(Array.ConvertAll(indices, TensorIndex.Single));
            set => index_put_(value, Array.ConvertAll(indices, TensorIndex.Single));
        }

        public Tensor index(params TensorIndex[] indices)
        {
            Span<IndexPart> parts = stackalloc IndexPart[indices.Length];
            Fill(parts, indices);
            fixed (IndexPart* data = parts)
            {
                Tensor made = Wrap(Native.gt_index(Handle, data, indices.Length), this);
                GC.KeepAlive(indices);
                return made;
            }
        }

        public Tensor index(params Tensor[] indices) => index(Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, accumulate: false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            Span<IndexPart> parts = stackalloc IndexPart[indices.Length];
            Fill(parts, indices);
            fixed (IndexPart* data = parts)
            {
                Done(Native.gt_index_put_(Handle, data, indices.Length, value.Handle, accumulate ? 1 : 0), this, value);
                GC.KeepAlive(indices);
                return this;
            }
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor), accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            Span<IndexPart> parts = stackalloc IndexPart[indices.Length];
            Fill(parts, indices);
            fixed (IndexPart* data = parts)
            {
                Done(Native.gt_index_put_scalar_(Handle, data, indices.Length, value.Value), this);
                GC.KeepAlive(indices);
                return this;
            }
        }

        public Tensor gather(long dim, Tensor index) => Wrap(Native.gt_gather(Handle, dim, index.Handle), this, index);

        public Tensor index_select(long dim, Tensor index) => Wrap(Native.gt_index_select(Handle, dim, index.Handle), this, index);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Wrap(Native.gt_scatter(Handle, dim, index.Handle, src.Handle), this, index, src);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => Done(Native.gt_scatter_(Handle, dim, index.Handle, src.Handle), this, index, src);

        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Wrap(Native.gt_scatter_add(Handle, dim, index.Handle, src.Handle), this, index, src);

        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Wrap(Native.gt_index_add(Handle, dim, index.Handle, source.Handle, alpha.Value), this, index, source);

        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Done(Native.gt_index_add_(Handle, dim, index.Handle, source.Handle, alpha.Value), this, index, source);

        public Tensor index_copy(long dim, Tensor index, Tensor source) => Wrap(Native.gt_index_copy(Handle, dim, index.Handle, source.Handle), this, index, source);

        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Done(Native.gt_index_copy_(Handle, dim, index.Handle, source.Handle), this, index, source);

        public Tensor index_fill(long dim, Tensor index, Scalar value) => Wrap(Native.gt_index_fill(Handle, dim, index.Handle, value.Value), this, index);

        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Done(Native.gt_index_fill_(Handle, dim, index.Handle, value.Value), this, index);

        public Tensor masked_fill(Tensor mask, Scalar value) => Wrap(Native.gt_masked_fill(Handle, mask.Handle, value.Value), this, mask);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Done(Native.gt_masked_fill_(Handle, mask.Handle, value.Value), this, mask);

        public Tensor masked_select(Tensor mask) => Wrap(Native.gt_masked_select(Handle, mask.Handle), this, mask);

        public Tensor masked_scatter(Tensor mask, Tensor value) => Wrap(Native.gt_masked_scatter(Handle, mask.Handle, value.Handle), this, mask, value);

        public Tensor take(Tensor index) => Wrap(Native.gt_take(Handle, index.Handle), this, index);

        public Tensor take_along_dim(Tensor indices) => Wrap(Native.gt_take_along_dim(Handle, indices.Handle, 0, 0), this, indices);

        public Tensor take_along_dim(Tensor indices, long dim) => Wrap(Native.gt_take_along_dim(Handle, indices.Handle, dim, 1), this, indices);

        /// <summary>This tensor where <paramref name="condition"/> holds, <paramref name="y"/> elsewhere.</summary>
        public Tensor where(Tensor condition, Tensor y) => Wrap(Native.gt_where(condition.Handle, Handle, y.Handle), condition, this, y);

        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) =>
            Wrap(Native.gt_isin(Handle, test_elements.Handle, assumeUnique ? 1 : 0, invert ? 1 : 0), this, test_elements);

        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) =>
            Wrap(Native.gt_bucketize(Handle, boundaries.Handle, outInt32 ? 1 : 0, right ? 1 : 0), this, boundaries);

        private static void Fill(Span<IndexPart> parts, TensorIndex[] indices)
        {
            for (int i = 0; i < indices.Length; i++)
            {
                parts[i] = indices[i].Part;
            }
        }
    }
}
