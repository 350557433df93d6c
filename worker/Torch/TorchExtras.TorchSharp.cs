using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>The extras over the TorchSharp package.</summary>
public static unsafe partial class TorchExtras
{
    /// <summary>Tensors that exist in this process, held or not yet finalized: tests compare it before and after.</summary>
    public static long LiveTensors => Tensor.TotalCount;

    /// <summary>What libtorch is in use, for people.</summary>
    public static string Describe() => $"libtorch {torch.__version__}, {get_num_threads()} threads";

    /// <summary>Nothing: the package's libtorch keeps no memory on the CPU.</summary>
    public static void ReleaseMemory()
    {
    }

    /// <summary>libtorch chooses.</summary>
    public static string AttentionKernel(ScalarType dtype) => "libtorch";

    /// <summary>A tensor with a copy of memory that somebody else owns; TorchSharp has no tensors over foreign memory.</summary>
    public static Tensor from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType dtype, object owner)
    {
        Tensor made = empty(shape, dtype);
        long left = made.NumberOfElements * made.ElementSize;
        byte* from = (byte*)memory;
        byte* to = (byte*)DataPointer(made);
        Buffer.MemoryCopy(from, to, left, left);
        GC.KeepAlive(owner);
        return made;
    }

    /// <summary>Null: the package converts tensors, not memory.</summary>
    public static Tensor? converted_from_memory(nint memory, ReadOnlySpan<long> shape, ScalarType stored, ScalarType dtype) => null;

    /// <summary>The address of the first element. The tensor must be on the CPU and outlive its use.</summary>
    public static nint DataPointer(Tensor tensor)
    {
        fixed (byte* data = tensor.bytes)
        {
            return (nint)data;
        }
    }

    /// <summary>Whether a picture's channels are last in memory.</summary>
    public static bool IsChannelsLast(Tensor tensor) => tensor.ndim == 4 && tensor.permute(0, 2, 3, 1).is_contiguous();

    static partial void FusedAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale, ref Tensor? result)
    {
        // TorchSharp's has no scale argument: it divides by the root of the head size
        double factor = (scale ?? 1.0 / Math.Sqrt(query.shape[^1])) * Math.Sqrt(query.shape[^1]);
        if (factor == 1.0)
        {
            result = nn.functional.scaled_dot_product_attention(query, key, value, mask, 0.0, causal);
            return;
        }

        using Tensor scaled = query * factor;
        result = nn.functional.scaled_dot_product_attention(scaled, key, value, mask, 0.0, causal);
    }
}
