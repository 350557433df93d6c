using System.Runtime.Intrinsics;

namespace Generation.Kernels.Products;

/// <summary>Reads and writes numbers as float32, however they are stored. Indices count numbers.</summary>
internal unsafe interface IStorage
{
    public static abstract float Load(void* numbers, nint index);

    public static abstract Vector256<float> LoadEight(void* numbers, nint index);

    /// <summary>Rounds to nearest, ties to even.</summary>
    public static abstract void Store(float value, void* numbers, nint index);

    /// <inheritdoc cref="Store"/>
    public static abstract void StoreEight(Vector256<float> values, void* numbers, nint index);
}
