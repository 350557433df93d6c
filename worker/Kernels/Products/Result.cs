using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Generation.Kernels.Products;

/// <summary>Where a product's result goes: a dense matrix of <paramref name="columns"/> columns.</summary>
/// <param name="added">A matrix of the same shape and element that is added, or null; it may be the result itself.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct Result<TStorage>(void* result, void* added, int columns) : IResult
    where TStorage : struct, IStorage
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(float* tile, int tileColumns, float* bias, long row, int rows, int column)
    {
        int count = Math.Min(tileColumns, columns - column);
        for (int i = 0; i < rows; i++, tile += tileColumns)
        {
            nint at = (nint)((row + i) * columns) + column;
            int j = 0;
            for (; j <= count - 8; j += 8)
            {
                Vector256<float> sum = Vector256.Load(tile + j) + Vector256.Load(bias + j);
                TStorage.StoreEight(added is null ? sum : sum + TStorage.LoadEight(added, at + j), result, at + j);
            }

            for (; j < count; j++)
            {
                float sum = tile[j] + bias[j];
                TStorage.Store(added is null ? sum : sum + TStorage.Load(added, at + j), result, at + j);
            }
        }
    }
}
