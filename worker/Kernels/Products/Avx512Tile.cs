using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Products;

/// <summary>14 x 32: twenty-eight sums, two vectors of b and one of a fill 31 of the 32 registers of AVX-512.</summary>
internal readonly unsafe struct Avx512Tile : ITile
{
    public static int Rows => 14;

    public static int FewRows => 8;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, float* b, nint depth, float* start, float* sums)
    {
        var c0a = Vector512.Load(start);
        var c0b = Vector512.Load(start + 16);
        var c1a = Vector512.Load(start + 32);
        var c1b = Vector512.Load(start + 48);
        var c2a = Vector512.Load(start + 64);
        var c2b = Vector512.Load(start + 80);
        var c3a = Vector512.Load(start + 96);
        var c3b = Vector512.Load(start + 112);
        var c4a = Vector512.Load(start + 128);
        var c4b = Vector512.Load(start + 144);
        var c5a = Vector512.Load(start + 160);
        var c5b = Vector512.Load(start + 176);
        var c6a = Vector512.Load(start + 192);
        var c6b = Vector512.Load(start + 208);
        var c7a = Vector512.Load(start + 224);
        var c7b = Vector512.Load(start + 240);
        var c8a = Vector512.Load(start + 256);
        var c8b = Vector512.Load(start + 272);
        var c9a = Vector512.Load(start + 288);
        var c9b = Vector512.Load(start + 304);
        var c10a = Vector512.Load(start + 320);
        var c10b = Vector512.Load(start + 336);
        var c11a = Vector512.Load(start + 352);
        var c11b = Vector512.Load(start + 368);
        var c12a = Vector512.Load(start + 384);
        var c12b = Vector512.Load(start + 400);
        var c13a = Vector512.Load(start + 416);
        var c13b = Vector512.Load(start + 432);

        for (float* end = b + (depth * 32); b < end; b += 32, a++)
        {
            var left = Vector512.Load(b);
            var right = Vector512.Load(b + 16);
            var x = Vector512.Create(*a);
            c0a = Avx512F.FusedMultiplyAdd(x, left, c0a);
            c0b = Avx512F.FusedMultiplyAdd(x, right, c0b);
            x = Vector512.Create(*(a + Depth.Stride));
            c1a = Avx512F.FusedMultiplyAdd(x, left, c1a);
            c1b = Avx512F.FusedMultiplyAdd(x, right, c1b);
            x = Vector512.Create(*(a + (2 * Depth.Stride)));
            c2a = Avx512F.FusedMultiplyAdd(x, left, c2a);
            c2b = Avx512F.FusedMultiplyAdd(x, right, c2b);
            x = Vector512.Create(*(a + (3 * Depth.Stride)));
            c3a = Avx512F.FusedMultiplyAdd(x, left, c3a);
            c3b = Avx512F.FusedMultiplyAdd(x, right, c3b);
            x = Vector512.Create(*(a + (4 * Depth.Stride)));
            c4a = Avx512F.FusedMultiplyAdd(x, left, c4a);
            c4b = Avx512F.FusedMultiplyAdd(x, right, c4b);
            x = Vector512.Create(*(a + (5 * Depth.Stride)));
            c5a = Avx512F.FusedMultiplyAdd(x, left, c5a);
            c5b = Avx512F.FusedMultiplyAdd(x, right, c5b);
            x = Vector512.Create(*(a + (6 * Depth.Stride)));
            c6a = Avx512F.FusedMultiplyAdd(x, left, c6a);
            c6b = Avx512F.FusedMultiplyAdd(x, right, c6b);
            x = Vector512.Create(*(a + (7 * Depth.Stride)));
            c7a = Avx512F.FusedMultiplyAdd(x, left, c7a);
            c7b = Avx512F.FusedMultiplyAdd(x, right, c7b);
            x = Vector512.Create(*(a + (8 * Depth.Stride)));
            c8a = Avx512F.FusedMultiplyAdd(x, left, c8a);
            c8b = Avx512F.FusedMultiplyAdd(x, right, c8b);
            x = Vector512.Create(*(a + (9 * Depth.Stride)));
            c9a = Avx512F.FusedMultiplyAdd(x, left, c9a);
            c9b = Avx512F.FusedMultiplyAdd(x, right, c9b);
            x = Vector512.Create(*(a + (10 * Depth.Stride)));
            c10a = Avx512F.FusedMultiplyAdd(x, left, c10a);
            c10b = Avx512F.FusedMultiplyAdd(x, right, c10b);
            x = Vector512.Create(*(a + (11 * Depth.Stride)));
            c11a = Avx512F.FusedMultiplyAdd(x, left, c11a);
            c11b = Avx512F.FusedMultiplyAdd(x, right, c11b);
            x = Vector512.Create(*(a + (12 * Depth.Stride)));
            c12a = Avx512F.FusedMultiplyAdd(x, left, c12a);
            c12b = Avx512F.FusedMultiplyAdd(x, right, c12b);
            x = Vector512.Create(*(a + (13 * Depth.Stride)));
            c13a = Avx512F.FusedMultiplyAdd(x, left, c13a);
            c13b = Avx512F.FusedMultiplyAdd(x, right, c13b);
        }

        c0a.Store(sums);
        c0b.Store(sums + 16);
        c1a.Store(sums + 32);
        c1b.Store(sums + 48);
        c2a.Store(sums + 64);
        c2b.Store(sums + 80);
        c3a.Store(sums + 96);
        c3b.Store(sums + 112);
        c4a.Store(sums + 128);
        c4b.Store(sums + 144);
        c5a.Store(sums + 160);
        c5b.Store(sums + 176);
        c6a.Store(sums + 192);
        c6b.Store(sums + 208);
        c7a.Store(sums + 224);
        c7b.Store(sums + 240);
        c8a.Store(sums + 256);
        c8b.Store(sums + 272);
        c9a.Store(sums + 288);
        c9b.Store(sums + 304);
        c10a.Store(sums + 320);
        c10b.Store(sums + 336);
        c11a.Store(sums + 352);
        c11b.Store(sums + 368);
        c12a.Store(sums + 384);
        c12b.Store(sums + 400);
        c13a.Store(sums + 416);
        c13b.Store(sums + 432);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyFew(float* a, float* b, nint depth, float* start, float* sums)
    {
        var c0a = Vector512.Load(start);
        var c0b = Vector512.Load(start + 16);
        var c1a = Vector512.Load(start + 32);
        var c1b = Vector512.Load(start + 48);
        var c2a = Vector512.Load(start + 64);
        var c2b = Vector512.Load(start + 80);
        var c3a = Vector512.Load(start + 96);
        var c3b = Vector512.Load(start + 112);
        var c4a = Vector512.Load(start + 128);
        var c4b = Vector512.Load(start + 144);
        var c5a = Vector512.Load(start + 160);
        var c5b = Vector512.Load(start + 176);
        var c6a = Vector512.Load(start + 192);
        var c6b = Vector512.Load(start + 208);
        var c7a = Vector512.Load(start + 224);
        var c7b = Vector512.Load(start + 240);

        for (float* end = b + (depth * 32); b < end; b += 32, a++)
        {
            var left = Vector512.Load(b);
            var right = Vector512.Load(b + 16);
            var x = Vector512.Create(*a);
            c0a = Avx512F.FusedMultiplyAdd(x, left, c0a);
            c0b = Avx512F.FusedMultiplyAdd(x, right, c0b);
            x = Vector512.Create(*(a + Depth.Stride));
            c1a = Avx512F.FusedMultiplyAdd(x, left, c1a);
            c1b = Avx512F.FusedMultiplyAdd(x, right, c1b);
            x = Vector512.Create(*(a + (2 * Depth.Stride)));
            c2a = Avx512F.FusedMultiplyAdd(x, left, c2a);
            c2b = Avx512F.FusedMultiplyAdd(x, right, c2b);
            x = Vector512.Create(*(a + (3 * Depth.Stride)));
            c3a = Avx512F.FusedMultiplyAdd(x, left, c3a);
            c3b = Avx512F.FusedMultiplyAdd(x, right, c3b);
            x = Vector512.Create(*(a + (4 * Depth.Stride)));
            c4a = Avx512F.FusedMultiplyAdd(x, left, c4a);
            c4b = Avx512F.FusedMultiplyAdd(x, right, c4b);
            x = Vector512.Create(*(a + (5 * Depth.Stride)));
            c5a = Avx512F.FusedMultiplyAdd(x, left, c5a);
            c5b = Avx512F.FusedMultiplyAdd(x, right, c5b);
            x = Vector512.Create(*(a + (6 * Depth.Stride)));
            c6a = Avx512F.FusedMultiplyAdd(x, left, c6a);
            c6b = Avx512F.FusedMultiplyAdd(x, right, c6b);
            x = Vector512.Create(*(a + (7 * Depth.Stride)));
            c7a = Avx512F.FusedMultiplyAdd(x, left, c7a);
            c7b = Avx512F.FusedMultiplyAdd(x, right, c7b);
        }

        c0a.Store(sums);
        c0b.Store(sums + 16);
        c1a.Store(sums + 32);
        c1b.Store(sums + 48);
        c2a.Store(sums + 64);
        c2b.Store(sums + 80);
        c3a.Store(sums + 96);
        c3b.Store(sums + 112);
        c4a.Store(sums + 128);
        c4b.Store(sums + 144);
        c5a.Store(sums + 160);
        c5b.Store(sums + 176);
        c6a.Store(sums + 192);
        c6b.Store(sums + 208);
        c7a.Store(sums + 224);
        c7b.Store(sums + 240);
    }
}
