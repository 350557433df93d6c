using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static unsafe Tensor empty(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_empty(Longs.Of(sizes, size.Length), TypeOf(dtype), Kind(device), Place(device)), requires_grad);
        }
    }

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty(size.AsSpan(), dtype, device, requires_grad);

    public static Tensor empty(Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty(size.Shape.AsSpan(), dtype, device, requires_grad);

    public static Tensor empty(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty([size], dtype, device, requires_grad);

    public static Tensor empty(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty([rows, columns], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => empty([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static unsafe Tensor zeros(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_zeros(Longs.Of(sizes, size.Length), TypeOf(dtype), Kind(device), Place(device)), requires_grad);
        }
    }

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros(size.AsSpan(), dtype, device, requires_grad);

    public static Tensor zeros(Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros(size.Shape.AsSpan(), dtype, device, requires_grad);

    public static Tensor zeros(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros([size], dtype, device, requires_grad);

    public static Tensor zeros(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros([rows, columns], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => zeros([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static unsafe Tensor ones(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_ones(Longs.Of(sizes, size.Length), TypeOf(dtype), Kind(device), Place(device)), requires_grad);
        }
    }

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones(size.AsSpan(), dtype, device, requires_grad);

    public static Tensor ones(Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones(size.Shape.AsSpan(), dtype, device, requires_grad);

    public static Tensor ones(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones([size], dtype, device, requires_grad);

    public static Tensor ones(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones([rows, columns], dtype, device, requires_grad);

    public static Tensor ones(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor ones(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => ones([dim0, dim1, dim2, dim3], dtype, device, requires_grad);

    public static unsafe Tensor full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_full(Longs.Of(sizes, size.Length), value.Value, TypeOf(dtype), Kind(device), Place(device)), requires_grad);
        }
    }

    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(size.AsSpan(), value, dtype, device, requires_grad);

    public static Tensor full(Size size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(size.Shape.AsSpan(), value, dtype, device, requires_grad);

    public static Tensor full(long size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full([size], value, dtype, device, requires_grad);

    public static Tensor full(long rows, long columns, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full([rows, columns], value, dtype, device, requires_grad);

    public static Tensor full(long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full([dim0, dim1, dim2], value, dtype, device, requires_grad);

    public static Tensor full(long dim0, long dim1, long dim2, long dim3, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full([dim0, dim1, dim2, dim3], value, dtype, device, requires_grad);

    public static unsafe Tensor rand(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_rand(Longs.Of(sizes, size.Length), Generator.HandleOf(generator), TypeOf(dtype), Kind(device), Place(device)), requires_grad, generator);
        }
    }

    public static Tensor rand(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(size.AsSpan(), dtype, device, requires_grad, generator);

    public static Tensor rand(Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(size.Shape.AsSpan(), dtype, device, requires_grad, generator);

    public static Tensor rand(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand([size], dtype, device, requires_grad, generator);

    public static Tensor rand(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand([rows, columns], dtype, device, requires_grad, generator);

    public static Tensor rand(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand([dim0, dim1, dim2], dtype, device, requires_grad, generator);

    public static Tensor rand(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand([dim0, dim1, dim2, dim3], dtype, device, requires_grad, generator);

    public static unsafe Tensor randn(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(Native.gt_randn(Longs.Of(sizes, size.Length), Generator.HandleOf(generator), TypeOf(dtype), Kind(device), Place(device)), requires_grad, generator);
        }
    }

    public static Tensor randn(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(size.AsSpan(), dtype, device, requires_grad, generator);

    public static Tensor randn(Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(size.Shape.AsSpan(), dtype, device, requires_grad, generator);

    public static Tensor randn(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn([size], dtype, device, requires_grad, generator);

    public static Tensor randn(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn([rows, columns], dtype, device, requires_grad, generator);

    public static Tensor randn(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn([dim0, dim1, dim2], dtype, device, requires_grad, generator);

    public static Tensor randn(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn([dim0, dim1, dim2, dim3], dtype, device, requires_grad, generator);
}
