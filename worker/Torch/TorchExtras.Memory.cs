using System.Runtime.InteropServices;
using Generation.Kernels;
using Generation.Kernels.Pointwise;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>Access to the memory of tensors, which TorchSharp does not offer.</summary>
public static unsafe partial class TorchExtras
{
    // TorchSharp's own native library
    private const string Library = "LibTorchSharp";

    private static readonly Dictionary<nint, Stack<object>> Owners = [];

    /// <summary>The number of tensors that exist in this process, in use or not yet finalised. Tests compare it before and after.</summary>
    public static long LiveTensors => Tensor.TotalCount;

    /// <summary>
    /// Makes a tensor over memory that <paramref name="owner"/> owns, such as a mapped file, without copying. The owner stays reachable
    /// until the last tensor over the memory is gone; the caller keeps the memory valid as long as the owner lives.
    /// </summary>
    /// <exception cref="ExternalException">libtorch refuses the shape.</exception>
    public static Tensor from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType dtype, object owner)
    {
        // libtorch tells the deleter the address alone. Tensors over one address at a time have owners that keep the same memory, so any
        // of them may go first.
        lock (Owners)
        {
            if (!Owners.TryGetValue(memory, out Stack<object>? owners))
            {
                Owners[memory] = owners = new Stack<object>();
            }

            owners.Push(owner);
        }

        nint handle;
        fixed (long* sizes = shape)
        {
            handle = THSTensor_new(memory, &Release, sizes, shape.Length, (sbyte)dtype, (sbyte)dtype, (int)DeviceType.CPU, 0, 0);
        }

        if (handle == 0)
        {
            Forget(memory);
            CheckForErrors();
        }

        return Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>
    /// Makes a new tensor of type <paramref name="dtype"/> from the numbers at <paramref name="memory"/>, by all threads in one pass. Null
    /// where one of the types has no kernel.
    /// </summary>
    /// <param name="stored">The type of the numbers there.</param>
    public static Tensor? converted_from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType stored, ScalarType dtype)
    {
        if (!Processor.KernelsAllowed || !ConversionKernel.IsSupported || !IsConversion(stored, dtype))
        {
            return null;
        }

        Tensor made = empty(shape, dtype);
        long count = made.NumberOfElements;
        nint to = DataPointer(made);
        switch (stored, dtype)
        {
            case (ScalarType.BFloat16, _):
                ConversionKernel.BFloat16ToFloat32((ushort*)memory, (float*)to, count);
                break;
            case (ScalarType.Float32, _):
                ConversionKernel.Float32ToBFloat16((float*)memory, (ushort*)to, count);
                break;
            case (_, ScalarType.Float32):
                ConversionKernel.Float16ToFloat32((ushort*)memory, (float*)to, count);
                break;
            default:
                ConversionKernel.Float16ToBFloat16((ushort*)memory, (ushort*)to, count);
                break;
        }

        return made;
    }

    /// <summary>The address of the first element. The tensor must be on the CPU and outlive the use of the address.</summary>
    public static nint DataPointer(Tensor tensor)
    {
        nint data = THSTensor_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return data;
    }

    /// <summary>Whether a picture's channels are last in memory (channels_last).</summary>
    public static bool IsChannelsLast(Tensor tensor)
    {
        if (tensor.ndim != 4)
        {
            return false;
        }

        using Tensor last = tensor.permute(0, 2, 3, 1);
        return last.is_contiguous();
    }

    /// <summary>
    /// Returns the tensor with its channels last in memory, or a view of the same where they are already. Convolutions run best in this
    /// layout, and all layers keep it.
    /// </summary>
    /// <param name="input">(batch, channels, height, width)</param>
    public static Tensor channels_last(Tensor input)
    {
        using Tensor last = input.permute(0, 2, 3, 1);
        using Tensor dense = last.contiguous();
        return dense.permute(0, 3, 1, 2);
    }

    private static bool IsConversion(ScalarType stored, ScalarType dtype) =>
        stored != dtype
        && stored is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32
        && dtype is ScalarType.Float32 or ScalarType.BFloat16;

    [UnmanagedCallersOnly]
    private static void Release(nint memory) => Forget(memory);

    private static void Forget(nint memory)
    {
        lock (Owners)
        {
            if (Owners.TryGetValue(memory, out Stack<object>? owners) && owners.TryPop(out _) && owners.Count == 0)
            {
                Owners.Remove(memory);
            }
        }
    }

    [LibraryImport(Library)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial nint THSTensor_new(
        nint data,
        delegate* unmanaged<nint, void> deleter,
        long* sizes,
        int dimensions,
        sbyte stored,
        sbyte dtype,
        int deviceType,
        int deviceIndex,
        byte requiresGrad
    );

    [LibraryImport(Library)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial nint THSTensor_data(nint tensor);
}
