using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Generation.Kernels.Products;

/// <inheritdoc cref="Element.Float32"/>
internal readonly unsafe struct Float32Storage : IStorage
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(void* numbers, nint index) => ((float*)numbers)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEight(void* numbers, nint index) => Vector256.Load((float*)numbers + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, void* numbers, nint index) => ((float*)numbers)[index] = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreEight(Vector256<float> values, void* numbers, nint index) => values.Store((float*)numbers + index);
}
