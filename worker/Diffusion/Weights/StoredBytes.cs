using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>Turns stored elements into tensors.</summary>
internal static unsafe class StoredBytes
{
    private const int Chunk = 1 << 28;
    private const int LeastOver = 1 << 16;

    /// <summary>Whether a tensor of so many bytes is large enough to use a file's mapped memory.</summary>
    public static bool IsLarge(long bytes) => bytes >= LeastOver;

    /// <summary>
    /// Whether a tensor that is read as <paramref name="dtype"/> (null: as stored) uses the mapped memory and is not copied.
    /// </summary>
    public static bool LiesOver(long bytes, WeightDtype stored, ScalarType? dtype) =>
        IsLarge(bytes) && stored.ToScalarType() is { } type && (dtype is null || dtype == type);

    /// <summary>
    /// Makes a tensor over the elements at <paramref name="source"/>, or null where that is not worthwhile or not possible: it is small,
    /// not aligned, or of a type that tensors do not have.
    /// </summary>
    /// <param name="owner">The owner of the memory, which lives as long as the tensor.</param>
    public static Tensor? Over(byte* source, long bytes, WeightDtype stored, long[] shape, object owner) =>
        IsLarge(bytes) && (nint)source % stored.Size() == 0 && stored.ToScalarType() is { } type
            ? TorchExtras.from_memory((nint)source, shape, type, owner)
            : null;

    /// <summary>
    /// Copies the elements at <paramref name="source"/> into a new tensor of type <paramref name="dtype"/> (null: as stored).
    /// </summary>
    public static Tensor ToTensor(byte* source, long bytes, WeightDtype stored, long[] shape, ScalarType? dtype, string what)
    {
        if (stored is WeightDtype.F8_E4M3 or WeightDtype.F8_E5M2)
        {
            // TorchSharp has no 8-bit floats; every one of their values is exact in float32, float16 holds both ranges too.
            using Tensor wide = FromFloat8(source, bytes, stored, shape);
            return wide.to(dtype ?? ScalarType.Float32, copy: true);
        }

        ScalarType type = stored.ToScalarType() ?? throw new WeightsException($"{what} is stored as {stored}, which tensors cannot hold.");
        Tensor tensor = empty(shape, dtype: type);
        Copy(source, bytes, tensor, stored.Size());
        if (dtype is null || dtype == type)
        {
            return tensor;
        }

        using (tensor)
        {
            return tensor.to(dtype.Value);
        }
    }

    private static void Copy(byte* source, long bytes, Tensor target, int size)
    {
        if (bytes == 0)
        {
            return;
        }

        // A span holds at most 2 GiB, tensors may be larger.
        using Tensor flat = target.view(-1);
        for (long done = 0; done < bytes; done += Chunk)
        {
            int length = (int)Math.Min(Chunk, bytes - done);
            using Tensor part = flat.narrow(0, done / size, length / size);
            new ReadOnlySpan<byte>(source + done, length).CopyTo(part.bytes);
        }
    }

    private static Tensor FromFloat8(byte* source, long bytes, WeightDtype stored, long[] shape)
    {
        float[] table = stored == WeightDtype.F8_E4M3 ? Float8.E4M3 : Float8.E5M2;
        Tensor tensor = empty(shape, dtype: ScalarType.Float32);
        if (bytes == 0)
        {
            return tensor;
        }

        using Tensor flat = tensor.view(-1);
        for (long done = 0; done < bytes; done += Chunk / 4)
        {
            int length = (int)Math.Min(Chunk / 4, bytes - done);
            using Tensor part = flat.narrow(0, done, length);
            fixed (byte* raw = part.bytes)
            {
                Convert(source + done, (float*)raw, length, table);
            }
        }

        return tensor;
    }

    private static void Convert(byte* source, float* target, int length, float[] table)
    {
        const int Piece = 1 << 20;
        Parallel.For(0, (length + Piece - 1) / Piece, piece =>
        {
            int end = Math.Min(length, (piece + 1) * Piece);
            for (int i = piece * Piece; i < end; i++)
            {
                target[i] = table[source[i]];
            }
        });
    }
}
