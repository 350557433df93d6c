using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Vectors;

/// <summary>Vectors of eight numbers, with AVX2 and fused multiply-add.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* from) => Avx.LoadVector256(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, Vector256<float> value) => Avx.Store(to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(float* to, Vector256<float> value) => Avx.StoreAlignedNonTemporal(to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBFloat16(ushort* from) => Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(from), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(ushort* to, Vector256<float> value) => Sse2.Store(to, Narrow(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16NonTemporal(ushort* to, Vector256<float> value) => Sse2.StoreAlignedNonTemporal(to, Narrow(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadFloat16(ushort* from)
    {
        // Exponent and fraction move to their places and the bias is made up for: by one more step where the exponent is the largest
        // (infinity and NaN), and by a subtraction, which normalizes, where it is 0.
        Vector256<int> half = Avx2.ConvertToVector256Int32(from);
        Vector256<int> sign = Avx2.ShiftLeftLogical(Avx2.And(half, Vector256.Create(0x8000)), 16);
        Vector256<int> moved = Avx2.ShiftLeftLogical(Avx2.And(half, Vector256.Create(0x7fff)), 13);
        var bias = Vector256.Create(112 << 23);
        Vector256<int> largest = Avx2.CompareGreaterThan(moved, Vector256.Create(0x0f7fffff));
        Vector256<int> normal = Avx2.Add(Avx2.Add(moved, bias), Avx2.And(largest, bias));
        var one = Vector256.Create(113 << 23);
        Vector256<int> small = Avx.Subtract(Avx2.Add(moved, one).AsSingle(), one.AsSingle()).AsInt32();
        Vector256<int> isSmall = Avx2.CompareGreaterThan(Vector256.Create(0x00800000), moved);
        return Avx2.Or(Avx2.BlendVariable(normal, small, isSmall), sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => Avx.Add(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => Avx.Subtract(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => Avx.Multiply(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> NegatedMultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Fma.MultiplyAddNegated(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> value) => Avx.And(value, Vector256.Create(0x7fffffff).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Reciprocal(Vector256<float> value) => Avx.Divide(Vector256.Create(1f), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddToExponent(Vector256<float> value, Vector256<float> shifted) =>
        Avx2.Add(value.AsInt32(), Avx2.ShiftLeftLogical(shifted.AsInt32(), 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyDiffers(Vector256<float> a, Vector256<float> b) => Avx.MoveMask(Avx.CompareNotEqual(a, b)) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Indices() => Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WhereLess(Vector256<float> a, Vector256<float> b, Vector256<float> value, Vector256<float> otherwise) =>
        Avx.BlendVariable(otherwise, value, Avx.CompareLessThan(a, b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> value) => Vector256.Sum(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Vector256<float> value) => value.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Narrow(Vector256<float> value)
    {
        Vector256<int> bits = value.AsInt32();
        Vector256<int> upper = Avx2.ShiftRightLogical(bits, 16);
        Vector256<int> even = Avx2.And(upper, Vector256.Create(1));
        Vector256<int> rounded = Avx2.ShiftRightLogical(Avx2.Add(bits, Avx2.Add(even, Vector256.Create(0x7fff))), 16);
        Vector256<int> quiet = Avx2.Or(upper, Vector256.Create(0x40));
        Vector256<int> words = Avx2.BlendVariable(rounded, quiet, Avx.CompareUnordered(value, value).AsInt32());
        return Sse41.PackUnsignedSaturate(words.GetLower(), words.GetUpper());
    }
}
