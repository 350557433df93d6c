using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Vectors;

/// <summary>Vectors of sixteen numbers, with AVX-512.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* from) => Avx512F.LoadVector512(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, Vector512<float> value) => Avx512F.Store(to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(float* to, Vector512<float> value) => Avx512F.StoreAlignedNonTemporal(to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBFloat16(ushort* from) =>
        Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Avx.LoadVector256(from)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(ushort* to, Vector512<float> value) => Avx.Store(to, Narrow(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16NonTemporal(ushort* to, Vector512<float> value) => Avx.StoreAlignedNonTemporal(to, Narrow(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFloat16(ushort* from)
    {
        // as in Lanes256
        Vector512<int> half = Avx512F.ConvertToVector512Int32(Avx.LoadVector256(from));
        Vector512<int> sign = Avx512F.ShiftLeftLogical(Avx512F.And(half, Vector512.Create(0x8000)), 16);
        Vector512<int> moved = Avx512F.ShiftLeftLogical(Avx512F.And(half, Vector512.Create(0x7fff)), 13);
        var bias = Vector512.Create(112 << 23);
        Vector512<int> largest = Avx512F.CompareGreaterThan(moved, Vector512.Create(0x0f7fffff));
        Vector512<int> normal = Avx512F.Add(Avx512F.Add(moved, bias), Avx512F.And(largest, bias));
        var one = Vector512.Create(113 << 23);
        Vector512<int> small = Avx512F.Subtract(Avx512F.Add(moved, one).AsSingle(), one.AsSingle()).AsInt32();
        Vector512<int> isSmall = Avx512F.CompareGreaterThan(Vector512.Create(0x00800000), moved);
        return Avx512F.Or(Avx512F.BlendVariable(normal, small, isSmall), sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => Avx512F.Add(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => Avx512F.Subtract(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => Avx512F.Multiply(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> NegatedMultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Avx512F.FusedMultiplyAddNegated(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Avx512F.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Avx512F.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> value) => Avx512F.And(value.AsInt32(), Vector512.Create(0x7fffffff)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Reciprocal(Vector512<float> value)
    {
        // the instruction is right to 14 bits, and one of Newton's steps doubles that
        Vector512<float> rough = Avx512F.Reciprocal14(value);
        return Avx512F.FusedMultiplyAdd(Avx512F.FusedMultiplyAddNegated(value, rough, Vector512.Create(1f)), rough, rough);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AddToExponent(Vector512<float> value, Vector512<float> shifted) =>
        Avx512F.Add(value.AsInt32(), Avx512F.ShiftLeftLogical(shifted.AsInt32(), 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyDiffers(Vector512<float> a, Vector512<float> b) =>
        Vector512.ExtractMostSignificantBits(Avx512F.CompareNotEqual(a, b)) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Indices() => Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WhereLess(Vector512<float> a, Vector512<float> b, Vector512<float> value, Vector512<float> otherwise) =>
        Avx512F.BlendVariable(otherwise, value, Avx512F.CompareLessThan(a, b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> value) => Vector512.Sum(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Vector512<float> value) => value.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector512<float> value)
    {
        Vector512<int> bits = value.AsInt32();
        Vector512<int> upper = Avx512F.ShiftRightLogical(bits, 16);
        Vector512<int> even = Avx512F.And(upper, Vector512.Create(1));
        Vector512<int> rounded = Avx512F.ShiftRightLogical(Avx512F.Add(bits, Avx512F.Add(even, Vector512.Create(0x7fff))), 16);
        Vector512<int> quiet = Avx512F.Or(upper, Vector512.Create(0x40));
        Vector512<int> words = Avx512F.BlendVariable(rounded, quiet, Avx512F.CompareUnordered(value, value).AsInt32());
        return Avx512F.ConvertToVector256UInt16(words);
    }
}
