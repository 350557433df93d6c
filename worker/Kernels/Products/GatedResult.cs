using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Generation.Kernels.Products;

/// <summary>GEGLU: the first half of a tile's columns times GELU of the second half; a dense matrix of <paramref name="columns"/> columns. Shazeer, 2020.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct GatedResult<TStorage>(void* result, int columns) : IResult
    where TStorage : struct, IStorage
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(float* tile, int tileColumns, float* bias, long row, int rows, int column)
    {
        int half = tileColumns / 2;
        int first = column / 2;
        int count = Math.Min(half, columns - first);
        float* last = stackalloc float[8];
        for (int i = 0; i < rows; i++, tile += tileColumns)
        {
            nint at = (nint)((row + i) * columns) + first;
            for (int j = 0; j < count; j += 8)
            {
                Vector256<float> value = Vector256.Load(tile + j) + Vector256.Load(bias + j);
                Vector256<float> gated = value * Gelu(Vector256.Load(tile + half + j) + Vector256.Load(bias + half + j));
                if (j <= count - 8)
                {
                    TStorage.StoreEight(gated, result, at + j);
                    continue;
                }

                gated.Store(last);
                for (int k = j; k < count; k++)
                {
                    TStorage.Store(last[k - j], result, at + k);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Gelu(Vector256<float> x)
    {
        Vector256<float> half = x * 0.5f;
        return Vector256.FusedMultiplyAdd(half, Erf(x * 0.70710678f), half);
    }

    /// <summary>The error function as x P(x^2) / Q(x^2), to about three units in the last place; beyond 4 it is 1 in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Erf(Vector256<float> x)
    {
        Vector256<float> clamped = Vector256.Min(Vector256.Max(x, Vector256.Create(-4f)), Vector256.Create(4f));
        Vector256<float> square = clamped * clamped;
        Vector256<float> p = Vector256.Create(-2.72614225801306e-10f);
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(2.77068142495902e-08f));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(-2.10102402082508e-06f));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(-5.69250639462346e-05f));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(-7.34990630326855e-04f));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(-2.95459980854025e-03f));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(-1.60960333262415e-02f));
        Vector256<float> q = Vector256.Create(-1.45660718464996e-05f);
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-2.13374055278905e-04f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-1.68282697438203e-03f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-7.37332916720468e-03f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-1.42647390514189e-02f));
        return clamped * p / q;
    }
}
