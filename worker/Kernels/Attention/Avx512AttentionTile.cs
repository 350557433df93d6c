using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Attention;

/// <summary>8 x 48: twenty-four sums, three vectors of b and one number of a in the 32 registers of AVX-512.</summary>
internal readonly unsafe struct Avx512AttentionTile : IAttentionTile
{
    public static int Rows => 8;

    public static int Queries => 48;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, long depth, float* b, float* c, bool accumulate)
    {
        Vector512<float> s0x = Vector512<float>.Zero;
        Vector512<float> s0y = Vector512<float>.Zero;
        Vector512<float> s0z = Vector512<float>.Zero;
        Vector512<float> s1x = Vector512<float>.Zero;
        Vector512<float> s1y = Vector512<float>.Zero;
        Vector512<float> s1z = Vector512<float>.Zero;
        Vector512<float> s2x = Vector512<float>.Zero;
        Vector512<float> s2y = Vector512<float>.Zero;
        Vector512<float> s2z = Vector512<float>.Zero;
        Vector512<float> s3x = Vector512<float>.Zero;
        Vector512<float> s3y = Vector512<float>.Zero;
        Vector512<float> s3z = Vector512<float>.Zero;
        Vector512<float> s4x = Vector512<float>.Zero;
        Vector512<float> s4y = Vector512<float>.Zero;
        Vector512<float> s4z = Vector512<float>.Zero;
        Vector512<float> s5x = Vector512<float>.Zero;
        Vector512<float> s5y = Vector512<float>.Zero;
        Vector512<float> s5z = Vector512<float>.Zero;
        Vector512<float> s6x = Vector512<float>.Zero;
        Vector512<float> s6y = Vector512<float>.Zero;
        Vector512<float> s6z = Vector512<float>.Zero;
        Vector512<float> s7x = Vector512<float>.Zero;
        Vector512<float> s7y = Vector512<float>.Zero;
        Vector512<float> s7z = Vector512<float>.Zero;
        if (accumulate)
        {
            s0x = Vector512.Load(c);
            s0y = Vector512.Load(c + 16);
            s0z = Vector512.Load(c + 32);
            s1x = Vector512.Load(c + 48);
            s1y = Vector512.Load(c + 64);
            s1z = Vector512.Load(c + 80);
            s2x = Vector512.Load(c + 96);
            s2y = Vector512.Load(c + 112);
            s2z = Vector512.Load(c + 128);
            s3x = Vector512.Load(c + 144);
            s3y = Vector512.Load(c + 160);
            s3z = Vector512.Load(c + 176);
            s4x = Vector512.Load(c + 192);
            s4y = Vector512.Load(c + 208);
            s4z = Vector512.Load(c + 224);
            s5x = Vector512.Load(c + 240);
            s5y = Vector512.Load(c + 256);
            s5z = Vector512.Load(c + 272);
            s6x = Vector512.Load(c + 288);
            s6y = Vector512.Load(c + 304);
            s6z = Vector512.Load(c + 320);
            s7x = Vector512.Load(c + 336);
            s7y = Vector512.Load(c + 352);
            s7z = Vector512.Load(c + 368);
        }

        for (float* end = a + depth * 8; a < end; a += 8, b += 48)
        {
            var x = Vector512.Load(b);
            var y = Vector512.Load(b + 16);
            var z = Vector512.Load(b + 32);
            var left = Vector512.Create(a[0]);
            s0x = Avx512F.FusedMultiplyAdd(left, x, s0x);
            s0y = Avx512F.FusedMultiplyAdd(left, y, s0y);
            s0z = Avx512F.FusedMultiplyAdd(left, z, s0z);
            left = Vector512.Create(a[1]);
            s1x = Avx512F.FusedMultiplyAdd(left, x, s1x);
            s1y = Avx512F.FusedMultiplyAdd(left, y, s1y);
            s1z = Avx512F.FusedMultiplyAdd(left, z, s1z);
            left = Vector512.Create(a[2]);
            s2x = Avx512F.FusedMultiplyAdd(left, x, s2x);
            s2y = Avx512F.FusedMultiplyAdd(left, y, s2y);
            s2z = Avx512F.FusedMultiplyAdd(left, z, s2z);
            left = Vector512.Create(a[3]);
            s3x = Avx512F.FusedMultiplyAdd(left, x, s3x);
            s3y = Avx512F.FusedMultiplyAdd(left, y, s3y);
            s3z = Avx512F.FusedMultiplyAdd(left, z, s3z);
            left = Vector512.Create(a[4]);
            s4x = Avx512F.FusedMultiplyAdd(left, x, s4x);
            s4y = Avx512F.FusedMultiplyAdd(left, y, s4y);
            s4z = Avx512F.FusedMultiplyAdd(left, z, s4z);
            left = Vector512.Create(a[5]);
            s5x = Avx512F.FusedMultiplyAdd(left, x, s5x);
            s5y = Avx512F.FusedMultiplyAdd(left, y, s5y);
            s5z = Avx512F.FusedMultiplyAdd(left, z, s5z);
            left = Vector512.Create(a[6]);
            s6x = Avx512F.FusedMultiplyAdd(left, x, s6x);
            s6y = Avx512F.FusedMultiplyAdd(left, y, s6y);
            s6z = Avx512F.FusedMultiplyAdd(left, z, s6z);
            left = Vector512.Create(a[7]);
            s7x = Avx512F.FusedMultiplyAdd(left, x, s7x);
            s7y = Avx512F.FusedMultiplyAdd(left, y, s7y);
            s7z = Avx512F.FusedMultiplyAdd(left, z, s7z);
        }

        s0x.Store(c);
        s0y.Store(c + 16);
        s0z.Store(c + 32);
        s1x.Store(c + 48);
        s1y.Store(c + 64);
        s1z.Store(c + 80);
        s2x.Store(c + 96);
        s2y.Store(c + 112);
        s2z.Store(c + 128);
        s3x.Store(c + 144);
        s3y.Store(c + 160);
        s3z.Store(c + 176);
        s4x.Store(c + 192);
        s4y.Store(c + 208);
        s4z.Store(c + 224);
        s5x.Store(c + 240);
        s5y.Store(c + 256);
        s5z.Store(c + 272);
        s6x.Store(c + 288);
        s6y.Store(c + 304);
        s6z.Store(c + 320);
        s7x.Store(c + 336);
        s7y.Store(c + 352);
        s7z.Store(c + 368);
    }
}
