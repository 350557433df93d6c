using System.Runtime.InteropServices;
using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Native.gt_arange(start.Value, stop.Value, step.Value, TypeOf(dtype), Kind(device), Place(device)), requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Native.gt_linspace(start, end, steps, TypeOf(dtype), Kind(device), Place(device)), requires_grad);

    public static Tensor logspace(double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Native.gt_logspace(start, end, steps, @base, TypeOf(dtype), Kind(device), Place(device)), requires_grad);

    public static Tensor eye(long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Made(Native.gt_eye(rows, columns < 0 ? rows : columns, TypeOf(dtype), Kind(device), Place(device)), requires_grad);

    public static unsafe Tensor empty_strided(long[] size, long[] strides, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        fixed (long* sizes = size, steps = strides)
        {
            return Made(
                Native.gt_empty_strided(Longs.Of(sizes, size.Length), Longs.Of(steps, strides.Length), TypeOf(dtype), Kind(device), Place(device)), requires_grad);
        }
    }

    public static unsafe Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        fixed (long* sizes = size)
        {
            return Made(
                Native.gt_randint(low, high, Longs.Of(sizes, size.Length), Generator.HandleOf(generator), TypeOf(dtype ?? ScalarType.Int64), Kind(device), Place(device)),
                requires_grad,
                generator);
        }
    }

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        randint(0, high, size, dtype, device, requires_grad, generator);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        Made(Native.gt_randperm(n, Generator.HandleOf(generator), TypeOf(dtype ?? ScalarType.Int64), Kind(device), Place(device)), requires_grad, generator);

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => input.empty_like(dtype, device, requires_grad);

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => input.zeros_like(dtype, device, requires_grad);

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => input.ones_like(dtype, device, requires_grad);

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => input.full_like(value, dtype, device, requires_grad);

    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => input.randn_like(dtype, device, requires_grad);

    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => input.rand_like(dtype, device, requires_grad);

    /// <summary>A tensor with the shape and a copy of the elements of an array of any rank.</summary>
    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var shape = new long[rawArray.Rank];
        for (int d = 0; d < shape.Length; d++)
        {
            shape[d] = rawArray.GetLongLength(d);
        }

        return rawArray.GetType().GetElementType() switch
        {
            { } t when t == typeof(float) => FromArray<float>(rawArray, ScalarType.Float32, shape, dtype, device, requires_grad),
            { } t when t == typeof(double) => FromArray<double>(rawArray, ScalarType.Float64, shape, dtype, device, requires_grad),
            { } t when t == typeof(long) => FromArray<long>(rawArray, ScalarType.Int64, shape, dtype, device, requires_grad),
            { } t when t == typeof(int) => FromArray<int>(rawArray, ScalarType.Int32, shape, dtype, device, requires_grad),
            { } t when t == typeof(short) => FromArray<short>(rawArray, ScalarType.Int16, shape, dtype, device, requires_grad),
            { } t when t == typeof(byte) => FromArray<byte>(rawArray, ScalarType.Byte, shape, dtype, device, requires_grad),
            { } t when t == typeof(sbyte) => FromArray<sbyte>(rawArray, ScalarType.Int8, shape, dtype, device, requires_grad),
            { } t when t == typeof(bool) => FromArray<bool>(rawArray, ScalarType.Bool, shape, dtype, device, requires_grad),
            { } t when t == typeof(Half) => FromArray<Half>(rawArray, ScalarType.Float16, shape, dtype, device, requires_grad),
            { } t => throw new ArgumentException($"tensors do not hold {t.Name}", nameof(rawArray)),
            _ => throw new ArgumentException("not an array", nameof(rawArray)),
        };
    }

    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device? device = null) => from_array(data, dtype, device);

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null) => data.to(dtype ?? data.dtype, device ?? data.device);

    private static unsafe Tensor FromSpan<T>(ReadOnlySpan<T> values, ScalarType type, ReadOnlySpan<long> shape, ScalarType? dtype, Device? device, bool requiresGrad)
        where T : unmanaged
    {
        long count = 1;
        foreach (long side in shape)
        {
            count *= side;
        }

        if (count != values.Length)
        {
            throw new ArgumentException($"{values.Length} elements do not fill a tensor of shape ({string.Join(", ", shape.ToArray())})", nameof(values));
        }

        fixed (T* data = values)
        fixed (long* sizes = shape)
        {
            return Made(Native.gt_from_bytes(data, (int)type, Longs.Of(sizes, shape.Length), TypeOf(dtype), Kind(device), Place(device)), requiresGrad);
        }
    }

    private static unsafe Tensor FromArray<T>(Array values, ScalarType type, long[] shape, ScalarType? dtype, Device? device, bool requiresGrad)
        where T : unmanaged
    {
        if (values.Length == 0)
        {
            return FromSpan<T>([], type, shape, dtype, device, requiresGrad);
        }

        fixed (byte* data = &MemoryMarshal.GetArrayDataReference(values))
        {
            return FromSpan(new ReadOnlySpan<T>(data, values.Length), type, shape, dtype, device, requiresGrad);
        }
    }

    private static Tensor Made(nint handle, bool requiresGrad, Generator? keep = null)
    {
        Tensor made = Tensor.Wrap(handle);
        GC.KeepAlive(keep);
        return requiresGrad ? made.requires_grad_() : made;
    }

    private static int TypeOf(ScalarType? type) => type is { } given ? (int)given : -1;

    private static int Kind(Device? device) => device is null ? -1 : (int)device.type;

    private static int Place(Device? device) => device?.index ?? -1;
}
