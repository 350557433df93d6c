using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Products;

/// <inheritdoc cref="Element.BFloat16"/>
internal readonly unsafe struct BFloat16Storage : IStorage
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(void* numbers, nint index) => BitConverter.UInt32BitsToSingle((uint)((ushort*)numbers)[index] << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEight(void* numbers, nint index) =>
        Vector256.ShiftLeft(Avx2.ConvertToVector256Int32((ushort*)numbers + index), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, void* numbers, nint index) =>
        ((ushort*)numbers)[index] = (ushort)Rounded(Vector256.CreateScalar(value)).ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreEight(Vector256<float> values, void* numbers, nint index)
    {
        Vector256<int> rounded = Rounded(values);
        Sse41.PackUnsignedSaturate(rounded.GetLower(), rounded.GetUpper()).Store((ushort*)numbers + index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Rounded(Vector256<float> values)
    {
        Vector256<uint> bits = values.AsUInt32();
        Vector256<uint> odd = Vector256.ShiftRightLogical(bits, 16) & Vector256<uint>.One;
        Vector256<uint> rounded = Vector256.ShiftRightLogical(bits + odd + Vector256.Create(0x7fffu), 16);
        return Vector256.ConditionalSelect(Vector256.IsNaN(values).AsUInt32(), Vector256.Create(0x7fc0u), rounded).AsInt32();
    }
}
