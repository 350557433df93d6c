using System.Runtime.InteropServices;

namespace Generation.Kernels.Vectors;

/// <summary>Float32 numbers in memory of a kernel's own, at a whole cache line; freed at the end of the scope.</summary>
internal readonly unsafe ref struct NativeArray
{
    /// <summary>Sizes of rows are rounded up to a multiple of this, so that whole vectors fit.</summary>
    public const int Step = 16;

    public NativeArray(long count) => Numbers = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * sizeof(float), 64);

    public float* Numbers { get; }

    public static long RoundUp(long count) => (count + Step - 1) / Step * Step;

    public void Dispose() => NativeMemory.AlignedFree(Numbers);
}
