using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels.Products;

/// <summary>6 x 16: twelve sums, two vectors of b and one of a fill the sixteen registers of AVX2.</summary>
internal readonly unsafe struct Avx2Tile : ITile
{
    public static int Rows => 6;

    public static int FewRows => 4;

    public static int Columns => 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, float* b, nint depth, float* start, float* sums)
    {
        var c0a = Vector256.Load(start);
        var c0b = Vector256.Load(start + 8);
        var c1a = Vector256.Load(start + 16);
        var c1b = Vector256.Load(start + 24);
        var c2a = Vector256.Load(start + 32);
        var c2b = Vector256.Load(start + 40);
        var c3a = Vector256.Load(start + 48);
        var c3b = Vector256.Load(start + 56);
        var c4a = Vector256.Load(start + 64);
        var c4b = Vector256.Load(start + 72);
        var c5a = Vector256.Load(start + 80);
        var c5b = Vector256.Load(start + 88);

        for (float* end = b + (depth * 16); b < end; b += 32, a += 2)
        {
            var left = Vector256.Load(b);
            var right = Vector256.Load(b + 8);
            var x = Vector256.Create(*a);
            c0a = Fma.MultiplyAdd(x, left, c0a);
            c0b = Fma.MultiplyAdd(x, right, c0b);
            x = Vector256.Create(*(a + Depth.Stride));
            c1a = Fma.MultiplyAdd(x, left, c1a);
            c1b = Fma.MultiplyAdd(x, right, c1b);
            x = Vector256.Create(*(a + (2 * Depth.Stride)));
            c2a = Fma.MultiplyAdd(x, left, c2a);
            c2b = Fma.MultiplyAdd(x, right, c2b);
            x = Vector256.Create(*(a + (3 * Depth.Stride)));
            c3a = Fma.MultiplyAdd(x, left, c3a);
            c3b = Fma.MultiplyAdd(x, right, c3b);
            x = Vector256.Create(*(a + (4 * Depth.Stride)));
            c4a = Fma.MultiplyAdd(x, left, c4a);
            c4b = Fma.MultiplyAdd(x, right, c4b);
            x = Vector256.Create(*(a + (5 * Depth.Stride)));
            c5a = Fma.MultiplyAdd(x, left, c5a);
            c5b = Fma.MultiplyAdd(x, right, c5b);

            left = Vector256.Load(b + 16);
            right = Vector256.Load(b + 24);
            x = Vector256.Create(*(a + 1));
            c0a = Fma.MultiplyAdd(x, left, c0a);
            c0b = Fma.MultiplyAdd(x, right, c0b);
            x = Vector256.Create(*(a + Depth.Stride + 1));
            c1a = Fma.MultiplyAdd(x, left, c1a);
            c1b = Fma.MultiplyAdd(x, right, c1b);
            x = Vector256.Create(*(a + (2 * Depth.Stride) + 1));
            c2a = Fma.MultiplyAdd(x, left, c2a);
            c2b = Fma.MultiplyAdd(x, right, c2b);
            x = Vector256.Create(*(a + (3 * Depth.Stride) + 1));
            c3a = Fma.MultiplyAdd(x, left, c3a);
            c3b = Fma.MultiplyAdd(x, right, c3b);
            x = Vector256.Create(*(a + (4 * Depth.Stride) + 1));
            c4a = Fma.MultiplyAdd(x, left, c4a);
            c4b = Fma.MultiplyAdd(x, right, c4b);
            x = Vector256.Create(*(a + (5 * Depth.Stride) + 1));
            c5a = Fma.MultiplyAdd(x, left, c5a);
            c5b = Fma.MultiplyAdd(x, right, c5b);
        }

        c0a.Store(sums);
        c0b.Store(sums + 8);
        c1a.Store(sums + 16);
        c1b.Store(sums + 24);
        c2a.Store(sums + 32);
        c2b.Store(sums + 40);
        c3a.Store(sums + 48);
        c3b.Store(sums + 56);
        c4a.Store(sums + 64);
        c4b.Store(sums + 72);
        c5a.Store(sums + 80);
        c5b.Store(sums + 88);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyFew(float* a, float* b, nint depth, float* start, float* sums)
    {
        var c0a = Vector256.Load(start);
        var c0b = Vector256.Load(start + 8);
        var c1a = Vector256.Load(start + 16);
        var c1b = Vector256.Load(start + 24);
        var c2a = Vector256.Load(start + 32);
        var c2b = Vector256.Load(start + 40);
        var c3a = Vector256.Load(start + 48);
        var c3b = Vector256.Load(start + 56);

        for (float* end = b + (depth * 16); b < end; b += 32, a += 2)
        {
            var left = Vector256.Load(b);
            var right = Vector256.Load(b + 8);
            var x = Vector256.Create(*a);
            c0a = Fma.MultiplyAdd(x, left, c0a);
            c0b = Fma.MultiplyAdd(x, right, c0b);
            x = Vector256.Create(*(a + Depth.Stride));
            c1a = Fma.MultiplyAdd(x, left, c1a);
            c1b = Fma.MultiplyAdd(x, right, c1b);
            x = Vector256.Create(*(a + (2 * Depth.Stride)));
            c2a = Fma.MultiplyAdd(x, left, c2a);
            c2b = Fma.MultiplyAdd(x, right, c2b);
            x = Vector256.Create(*(a + (3 * Depth.Stride)));
            c3a = Fma.MultiplyAdd(x, left, c3a);
            c3b = Fma.MultiplyAdd(x, right, c3b);

            left = Vector256.Load(b + 16);
            right = Vector256.Load(b + 24);
            x = Vector256.Create(*(a + 1));
            c0a = Fma.MultiplyAdd(x, left, c0a);
            c0b = Fma.MultiplyAdd(x, right, c0b);
            x = Vector256.Create(*(a + Depth.Stride + 1));
            c1a = Fma.MultiplyAdd(x, left, c1a);
            c1b = Fma.MultiplyAdd(x, right, c1b);
            x = Vector256.Create(*(a + (2 * Depth.Stride) + 1));
            c2a = Fma.MultiplyAdd(x, left, c2a);
            c2b = Fma.MultiplyAdd(x, right, c2b);
            x = Vector256.Create(*(a + (3 * Depth.Stride) + 1));
            c3a = Fma.MultiplyAdd(x, left, c3a);
            c3b = Fma.MultiplyAdd(x, right, c3b);
        }

        c0a.Store(sums);
        c0b.Store(sums + 8);
        c1a.Store(sums + 16);
        c1b.Store(sums + 24);
        c2a.Store(sums + 32);
        c2b.Store(sums + 40);
        c3a.Store(sums + 48);
        c3b.Store(sums + 56);
    }
}
