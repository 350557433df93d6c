using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Attention;

/// <summary>4 x 24: twelve sums, three vectors of b and one number of a fill the 16 registers of AVX2.</summary>
internal readonly unsafe struct Avx2AttentionTile : IAttentionTile
{
    public static int Rows => 4;

    public static int Queries => 24;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, long depth, float* b, float* c, bool accumulate)
    {
        Vector256<float> s0x = Vector256<float>.Zero;
        Vector256<float> s0y = Vector256<float>.Zero;
        Vector256<float> s0z = Vector256<float>.Zero;
        Vector256<float> s1x = Vector256<float>.Zero;
        Vector256<float> s1y = Vector256<float>.Zero;
        Vector256<float> s1z = Vector256<float>.Zero;
        Vector256<float> s2x = Vector256<float>.Zero;
        Vector256<float> s2y = Vector256<float>.Zero;
        Vector256<float> s2z = Vector256<float>.Zero;
        Vector256<float> s3x = Vector256<float>.Zero;
        Vector256<float> s3y = Vector256<float>.Zero;
        Vector256<float> s3z = Vector256<float>.Zero;
        if (accumulate)
        {
            s0x = Vector256.Load(c);
            s0y = Vector256.Load(c + 8);
            s0z = Vector256.Load(c + 16);
            s1x = Vector256.Load(c + 24);
            s1y = Vector256.Load(c + 32);
            s1z = Vector256.Load(c + 40);
            s2x = Vector256.Load(c + 48);
            s2y = Vector256.Load(c + 56);
            s2z = Vector256.Load(c + 64);
            s3x = Vector256.Load(c + 72);
            s3y = Vector256.Load(c + 80);
            s3z = Vector256.Load(c + 88);
        }

        for (float* end = a + depth * 4; a < end; a += 4, b += 24)
        {
            var x = Vector256.Load(b);
            var y = Vector256.Load(b + 8);
            var z = Vector256.Load(b + 16);
            var left = Vector256.Create(a[0]);
            s0x = Fma.MultiplyAdd(left, x, s0x);
            s0y = Fma.MultiplyAdd(left, y, s0y);
            s0z = Fma.MultiplyAdd(left, z, s0z);
            left = Vector256.Create(a[1]);
            s1x = Fma.MultiplyAdd(left, x, s1x);
            s1y = Fma.MultiplyAdd(left, y, s1y);
            s1z = Fma.MultiplyAdd(left, z, s1z);
            left = Vector256.Create(a[2]);
            s2x = Fma.MultiplyAdd(left, x, s2x);
            s2y = Fma.MultiplyAdd(left, y, s2y);
            s2z = Fma.MultiplyAdd(left, z, s2z);
            left = Vector256.Create(a[3]);
            s3x = Fma.MultiplyAdd(left, x, s3x);
            s3y = Fma.MultiplyAdd(left, y, s3y);
            s3z = Fma.MultiplyAdd(left, z, s3z);
        }

        s0x.Store(c);
        s0y.Store(c + 8);
        s0z.Store(c + 16);
        s1x.Store(c + 24);
        s1y.Store(c + 32);
        s1z.Store(c + 40);
        s2x.Store(c + 48);
        s2y.Store(c + 56);
        s2z.Store(c + 64);
        s3x.Store(c + 72);
        s3y.Store(c + 80);
        s3z.Store(c + 88);
    }
}
