using System.Collections;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor, in row-major order of its shape.</summary>
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : unmanaged
{
    private readonly torch.Tensor _tensor;

    internal TensorAccessor(torch.Tensor tensor) => _tensor = tensor;

    public long Count => _tensor.NumberOfElements;

    public T this[params long[] indices]
    {
        get => Place(indices);
        set => Place(indices) = value;
    }

    /// <summary>A copy of all elements.</summary>
    public unsafe T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array);
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    /// <summary>Copies from element <paramref name="tensorIndex"/> on into <paramref name="array"/> from <paramref name="arrayIndex"/> on, as many as fit.</summary>
    public unsafe void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        int count = (int)Math.Min(Count - tensorIndex, array.Length - arrayIndex);
        if (_tensor.is_contiguous())
        {
            Memory(_tensor, tensorIndex, count).CopyTo(array[arrayIndex..]);
            return;
        }

        using torch.Tensor contiguous = _tensor.contiguous();
        Memory(contiguous, tensorIndex, count).CopyTo(array[arrayIndex..]);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    /// <summary>Overwrites elements from <paramref name="tensorIndex"/> on; the tensor must be contiguous.</summary>
    public unsafe void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        int count = (int)Math.Min(Count - tensorIndex, array.Length - arrayIndex);
        array.Slice(arrayIndex, count).CopyTo(Memory(_tensor, tensorIndex, count));
    }

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)ToArray()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The tensor stays with its owner.</summary>
    public void Dispose() => GC.KeepAlive(_tensor);

    private static unsafe Span<T> Memory(torch.Tensor tensor, long first, int count) => new((T*)tensor.CpuData("data") + first, count);

    private unsafe ref T Place(long[] indices)
    {
        if (!_tensor.is_cpu())
        {
            throw new InvalidOperationException($"data needs a tensor on the CPU, this one is {_tensor}: call cpu() first");
        }

        long[] shape = _tensor.shape;
        long[] strides = _tensor.stride();
        long offset = 0;
        if (indices.Length == 1 && shape.Length != 1)
        {
            // one index counts through all elements
            long left = indices[0];
            ArgumentOutOfRangeException.ThrowIfNegative(left, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(left, Count, nameof(indices));
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                offset += left % shape[d] * strides[d];
                left /= shape[d];
            }
        }
        else
        {
            if (indices.Length != shape.Length)
            {
                throw new ArgumentException($"{indices.Length} indices for a tensor of {shape.Length} dimensions", nameof(indices));
            }

            for (int d = 0; d < shape.Length; d++)
            {
                if (indices[d] < 0 || indices[d] >= shape[d])
                {
                    throw new ArgumentOutOfRangeException(nameof(indices), indices[d], $"dimension {d} has size {shape[d]}");
                }

                offset += indices[d] * strides[d];
            }
        }

        return ref ((T*)Generation.Torch.Interop.Native.gt_data(_tensor.Handle))[offset];
    }
}
