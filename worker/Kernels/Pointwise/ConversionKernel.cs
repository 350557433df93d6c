using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>
/// Converts long arrays between number types, rounding to the nearest, halves to the even one; NaN stays NaN. Long results bypass the
/// caches.
/// </summary>
public static unsafe class ConversionKernel
{
    // of a result that no cache would hold until it is read
    private const long LongBytes = 4 << 20;

    /// <summary>Whether this processor has the instructions, and may use them.</summary>
    public static bool IsSupported => Processor.HasAvx2;

    public static void BFloat16ToFloat32(ushort* from, float* to, long count) => BFloat16ToFloat32(from, to, count, Processor.Vectors);

    public static void Float32ToBFloat16(float* from, ushort* to, long count) => Float32ToBFloat16(from, to, count, Processor.Vectors);

    public static void Float16ToFloat32(ushort* from, float* to, long count) => Float16ToFloat32(from, to, count, Processor.Vectors);

    public static void Float16ToBFloat16(ushort* from, ushort* to, long count) => Float16ToBFloat16(from, to, count, Processor.Vectors);

    internal static void BFloat16ToFloat32(ushort* from, float* to, long count, InstructionSet set) =>
        Convert<BFloat16Numbers, Float32Numbers>((byte*)from, (byte*)to, count, set);

    internal static void Float32ToBFloat16(float* from, ushort* to, long count, InstructionSet set) =>
        Convert<Float32Numbers, BFloat16Numbers>((byte*)from, (byte*)to, count, set);

    internal static void Float16ToFloat32(ushort* from, float* to, long count, InstructionSet set) =>
        Convert<Float16Numbers, Float32Numbers>((byte*)from, (byte*)to, count, set);

    internal static void Float16ToBFloat16(ushort* from, ushort* to, long count, InstructionSet set) =>
        Convert<Float16Numbers, BFloat16Numbers>((byte*)from, (byte*)to, count, set);

    private static void Convert<TFrom, TTo>(byte* from, byte* to, long count, InstructionSet set)
        where TFrom : struct, INumbers
        where TTo : struct, INumbers
    {
        bool past = count * TTo.Size >= LongBytes && (nint)to % 64 == 0;
        if (Processor.Require(set) == InstructionSet.Avx512)
        {
            ThreadTeam.ForRows(count, 1, (begin, end) => Convert<TFrom, TTo, Lanes512, Vector512<float>>(from, to, begin, end, past));
        }
        else
        {
            ThreadTeam.ForRows(count, 1, (begin, end) => Convert<TFrom, TTo, Lanes256, Vector256<float>>(from, to, begin, end, past));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Convert<TFrom, TTo, TLanes, TVector>(byte* from, byte* to, long begin, long end, bool past)
        where TFrom : struct, INumbers
        where TTo : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        long i = begin;
        for (; past && i + TLanes.Count <= end; i += TLanes.Count)
        {
            TTo.StoreNonTemporal<TLanes, TVector>(to + i * TTo.Size, TFrom.Load<TLanes, TVector>(from + i * TFrom.Size));
        }

        for (; i + TLanes.Count <= end; i += TLanes.Count)
        {
            TTo.Store<TLanes, TVector>(to + i * TTo.Size, TFrom.Load<TLanes, TVector>(from + i * TFrom.Size));
        }

        if (i < end)
        {
            TVector last = PartialVector.Load<TFrom, TLanes, TVector>(from + i * TFrom.Size, end - i);
            PartialVector.Store<TTo, TLanes, TVector>(to + i * TTo.Size, last, end - i);
        }

        if (past)
        {
            // what was written past the caches is there for other threads from here on
            System.Runtime.Intrinsics.X86.Sse.StoreFence();
        }
    }
}
