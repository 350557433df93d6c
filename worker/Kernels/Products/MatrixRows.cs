using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>Rows of a dense, row-major matrix.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct MatrixRows<TStorage>(void* matrix, int columns) : IRows
    where TStorage : struct, IStorage
{
    public void Pack(float* block, long first, int rows, int start, int count)
    {
        for (int i = 0; i < rows; i++, block += Depth.Stride)
        {
            Numbers.Widen<TStorage>(matrix, (nint)((first + i) * columns) + start, block, count);
            Numbers.Pad(block, count);
        }
    }
}
