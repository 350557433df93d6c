using Generation.Torch.Interop;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>A packed layer in native/packed.cpp. All of them together hold at most a quarter of the machine's memory.</summary>
internal sealed unsafe class PackedWeight : IDisposable
{
    private static readonly long Limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
    private static long s_total;

    private readonly long _bytes;
    private void* _layer;

    private PackedWeight(void* layer, long bytes)
    {
        _layer = layer;
        _bytes = bytes;
    }

    ~PackedWeight() => Free();

    /// <summary>Null where weights are not packed: another device or type, no oneDNN, or no room.</summary>
    public static PackedWeight? Linear(Tensor weight, Tensor? bias) =>
        Make(weight, () => (nint)Native.gt_pack_linear(weight.Handle, Tensor.HandleOf(bias)));

    public static PackedWeight? Conv2d(Tensor weight, Tensor? bias, long[] stride, long[] padding) =>
        Make(weight, () =>
        {
            fixed (long* steps = stride, around = padding)
            {
                return (nint)Native.gt_pack_conv2d(weight.Handle, Tensor.HandleOf(bias), new Longs(steps, stride.Length), new Longs(around, padding.Length));
            }
        });

    public bool Fits(Tensor input, Tensor weight) => input.is_cpu() && input.dtype == weight.dtype;

    public Tensor Linear(Tensor input, Tensor? added, bool inPlace) =>
        Result(Native.gt_packed_linear(_layer, input.Handle, Tensor.HandleOf(added), inPlace ? 1 : 0), input, added, inPlace);

    public Tensor Geglu(Tensor input)
    {
        Tensor made = Tensor.Wrap(Native.gt_packed_geglu(_layer, input.Handle), input);
        GC.KeepAlive(this);
        return made;
    }

    public Tensor Conv2d(Tensor input, Tensor? added, bool inPlace) =>
        Result(Native.gt_packed_conv2d(_layer, input.Handle, Tensor.HandleOf(added), inPlace ? 1 : 0), input, added, inPlace);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static PackedWeight? Make(Tensor weight, Func<nint> pack)
    {
        bool taken = weight.is_cpu() && weight.dtype is ScalarType.Float32 or ScalarType.BFloat16;
        if (!taken || Native.gt_packs((int)weight.dtype) == 0)
        {
            return null;
        }

        long bytes = weight.NumberOfElements * weight.ElementSize;
        if (Interlocked.Add(ref s_total, bytes) > Limit)
        {
            Interlocked.Add(ref s_total, -bytes);
            return null;
        }

        nint layer = pack();
        if (layer == 0)
        {
            Interlocked.Add(ref s_total, -bytes);
            Native.Throw();
        }

        return new PackedWeight((void*)layer, bytes);
    }

    private Tensor Result(nint handle, Tensor input, Tensor? added, bool inPlace)
    {
        Tensor made = Tensor.Wrap(handle, input, added);
        GC.KeepAlive(this);
        if (inPlace && added is not null && Native.gt_is_same(made.Handle, added.Handle) != 0)
        {
            made.Dispose();
            return added;
        }

        return made;
    }

    private void Free()
    {
        void* layer = _layer;
        _layer = null;
        if (layer is not null)
        {
            Native.gt_packed_free(layer);
            Interlocked.Add(ref s_total, -_bytes);
        }
    }
}
