using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Peaks;

/// <summary>
/// Measures the processor's own speed by loops that consist only of fused multiply-adds in registers, one on each thread: the bound that
/// kernels are compared with.
/// </summary>
public static class MultiplyAddPeak
{
    // independent sums: two a cycle that take four cycles each need eight at least
    private const int Avx2Sums = 12;
    private const int Avx512Sums = 24;

    private const long Rounds = 1 << 20;

    /// <summary>
    /// Measures the float32 operations per second (a multiply-add counts twice) of all threads together, the best of several runs in
    /// <paramref name="seconds"/>. It is 0 where the processor does not have the instructions, or may not use them.
    /// </summary>
    /// <param name="set">AVX2 or AVX-512; other sets have no loop in C#.</param>
    public static double Measure(InstructionSet set, double seconds = 0.2)
    {
        if (set is not (InstructionSet.Avx2 or InstructionSet.Avx512) || set > Processor.Vectors)
        {
            return 0;
        }

        int threads = ThreadTeam.Threads;
        float[] sums = new float[threads];
        long best = long.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long before = Stopwatch.GetTimestamp();
            ThreadTeam.For(threads, thread => sums[thread] = set == InstructionSet.Avx512 ? RunAvx512(Rounds) : RunAvx2(Rounds));
            best = Math.Min(best, Stopwatch.GetTimestamp() - before);
        } while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);

        double numbers = set == InstructionSet.Avx512 ? Avx512Sums * 16 : Avx2Sums * 8;
        return 2 * numbers * Rounds * threads * Stopwatch.Frequency / best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float RunAvx2(long rounds)
    {
        var one = Vector256.Create(1f);
        Vector256<float> s0 = Vector256<float>.Zero;
        Vector256<float> s1 = Vector256<float>.Zero;
        Vector256<float> s2 = Vector256<float>.Zero;
        Vector256<float> s3 = Vector256<float>.Zero;
        Vector256<float> s4 = Vector256<float>.Zero;
        Vector256<float> s5 = Vector256<float>.Zero;
        Vector256<float> s6 = Vector256<float>.Zero;
        Vector256<float> s7 = Vector256<float>.Zero;
        Vector256<float> s8 = Vector256<float>.Zero;
        Vector256<float> s9 = Vector256<float>.Zero;
        Vector256<float> s10 = Vector256<float>.Zero;
        Vector256<float> s11 = Vector256<float>.Zero;
        for (long i = 0; i < rounds; i++)
        {
            s0 = Fma.MultiplyAdd(one, one, s0);
            s1 = Fma.MultiplyAdd(one, one, s1);
            s2 = Fma.MultiplyAdd(one, one, s2);
            s3 = Fma.MultiplyAdd(one, one, s3);
            s4 = Fma.MultiplyAdd(one, one, s4);
            s5 = Fma.MultiplyAdd(one, one, s5);
            s6 = Fma.MultiplyAdd(one, one, s6);
            s7 = Fma.MultiplyAdd(one, one, s7);
            s8 = Fma.MultiplyAdd(one, one, s8);
            s9 = Fma.MultiplyAdd(one, one, s9);
            s10 = Fma.MultiplyAdd(one, one, s10);
            s11 = Fma.MultiplyAdd(one, one, s11);
        }

        Vector256<float> sum = s0;
        sum += s1;
        sum += s2;
        sum += s3;
        sum += s4;
        sum += s5;
        sum += s6;
        sum += s7;
        sum += s8;
        sum += s9;
        sum += s10;
        sum += s11;
        return sum.ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float RunAvx512(long rounds)
    {
        var one = Vector512.Create(1f);
        Vector512<float> s0 = Vector512<float>.Zero;
        Vector512<float> s1 = Vector512<float>.Zero;
        Vector512<float> s2 = Vector512<float>.Zero;
        Vector512<float> s3 = Vector512<float>.Zero;
        Vector512<float> s4 = Vector512<float>.Zero;
        Vector512<float> s5 = Vector512<float>.Zero;
        Vector512<float> s6 = Vector512<float>.Zero;
        Vector512<float> s7 = Vector512<float>.Zero;
        Vector512<float> s8 = Vector512<float>.Zero;
        Vector512<float> s9 = Vector512<float>.Zero;
        Vector512<float> s10 = Vector512<float>.Zero;
        Vector512<float> s11 = Vector512<float>.Zero;
        Vector512<float> s12 = Vector512<float>.Zero;
        Vector512<float> s13 = Vector512<float>.Zero;
        Vector512<float> s14 = Vector512<float>.Zero;
        Vector512<float> s15 = Vector512<float>.Zero;
        Vector512<float> s16 = Vector512<float>.Zero;
        Vector512<float> s17 = Vector512<float>.Zero;
        Vector512<float> s18 = Vector512<float>.Zero;
        Vector512<float> s19 = Vector512<float>.Zero;
        Vector512<float> s20 = Vector512<float>.Zero;
        Vector512<float> s21 = Vector512<float>.Zero;
        Vector512<float> s22 = Vector512<float>.Zero;
        Vector512<float> s23 = Vector512<float>.Zero;
        for (long i = 0; i < rounds; i++)
        {
            s0 = Avx512F.FusedMultiplyAdd(one, one, s0);
            s1 = Avx512F.FusedMultiplyAdd(one, one, s1);
            s2 = Avx512F.FusedMultiplyAdd(one, one, s2);
            s3 = Avx512F.FusedMultiplyAdd(one, one, s3);
            s4 = Avx512F.FusedMultiplyAdd(one, one, s4);
            s5 = Avx512F.FusedMultiplyAdd(one, one, s5);
            s6 = Avx512F.FusedMultiplyAdd(one, one, s6);
            s7 = Avx512F.FusedMultiplyAdd(one, one, s7);
            s8 = Avx512F.FusedMultiplyAdd(one, one, s8);
            s9 = Avx512F.FusedMultiplyAdd(one, one, s9);
            s10 = Avx512F.FusedMultiplyAdd(one, one, s10);
            s11 = Avx512F.FusedMultiplyAdd(one, one, s11);
            s12 = Avx512F.FusedMultiplyAdd(one, one, s12);
            s13 = Avx512F.FusedMultiplyAdd(one, one, s13);
            s14 = Avx512F.FusedMultiplyAdd(one, one, s14);
            s15 = Avx512F.FusedMultiplyAdd(one, one, s15);
            s16 = Avx512F.FusedMultiplyAdd(one, one, s16);
            s17 = Avx512F.FusedMultiplyAdd(one, one, s17);
            s18 = Avx512F.FusedMultiplyAdd(one, one, s18);
            s19 = Avx512F.FusedMultiplyAdd(one, one, s19);
            s20 = Avx512F.FusedMultiplyAdd(one, one, s20);
            s21 = Avx512F.FusedMultiplyAdd(one, one, s21);
            s22 = Avx512F.FusedMultiplyAdd(one, one, s22);
            s23 = Avx512F.FusedMultiplyAdd(one, one, s23);
        }

        Vector512<float> sum = s0;
        sum += s1;
        sum += s2;
        sum += s3;
        sum += s4;
        sum += s5;
        sum += s6;
        sum += s7;
        sum += s8;
        sum += s9;
        sum += s10;
        sum += s11;
        sum += s12;
        sum += s13;
        sum += s14;
        sum += s15;
        sum += s16;
        sum += s17;
        sum += s18;
        sum += s19;
        sum += s20;
        sum += s21;
        sum += s22;
        sum += s23;
        return sum.ToScalar();
    }
}
