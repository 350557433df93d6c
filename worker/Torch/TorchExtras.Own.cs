using System.Runtime.InteropServices;
using Generation.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>The extras over our own shim.</summary>
public static unsafe partial class TorchExtras
{
    /// <summary>Tensors that exist in this process, held or not yet finalized: tests compare it before and after.</summary>
    public static long LiveTensors => Native.gt_live_tensors();

    /// <summary>What libtorch was built with and how many threads it uses, for people.</summary>
    public static string Describe() => Native.Text(Native.gt_show_config());

    /// <summary>
    /// Gives memory that is kept for tensors to come back to the system. Up to a sixteenth of the machine's memory, and 1 GiB at most, is
    /// kept, since a run asks for the same sizes again and again.
    /// </summary>
    public static void ReleaseMemory() => Native.gt_release_memory();

    /// <summary>
    /// A tensor over memory that somebody else owns, for example a file's map: nothing is copied.
    /// <paramref name="owner"/> stays reachable until the last tensor over the memory is gone; the caller keeps the memory valid as long as the owner is.
    /// </summary>
    public static Tensor from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType dtype, object owner)
    {
        GCHandle keep = GCHandle.Alloc(owner);
        fixed (long* sizes = shape)
        {
            nint handle = Native.gt_from_memory((void*)memory, Longs.Of(sizes, shape.Length), default, (int)dtype, (void*)GCHandle.ToIntPtr(keep), &Release);
            if (handle == 0)
            {
                keep.Free();
            }

            return Tensor.Wrap(handle);
        }
    }

    /// <summary>A new tensor of type <paramref name="dtype"/> from the numbers at <paramref name="memory"/>, by all threads; null where one of the types has no fast way.</summary>
    /// <param name="stored">Type of the numbers there.</param>
    public static Tensor? converted_from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType stored, ScalarType dtype)
    {
        fixed (long* sizes = shape)
        {
            nint handle = Native.gt_converted((void*)memory, (int)stored, Longs.Of(sizes, shape.Length), (int)dtype);
            return handle == 0 ? null : Tensor.Wrap(handle);
        }
    }

    /// <summary>The address of the first element. The tensor must be on the CPU and outlive its use.</summary>
    public static nint DataPointer(Tensor tensor)
    {
        void* data = Native.gt_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return (nint)data;
    }

    /// <summary>Whether a picture's channels are last in memory.</summary>
    public static bool IsChannelsLast(Tensor tensor)
    {
        int is_last = Native.gt_is_contiguous(tensor.Handle, (int)memory_format.channels_last);
        GC.KeepAlive(tensor);
        return is_last != 0;
    }

    static partial void OwnChannelsLast(Tensor input, ref Tensor? result) =>
        result = Tensor.Wrap(Native.gt_contiguous(input.Handle, (int)memory_format.channels_last), input);

    [UnmanagedCallersOnly]
    private static void Release(void* context) => GCHandle.FromIntPtr((nint)context).Free();
}
