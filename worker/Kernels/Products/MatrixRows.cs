using System.Runtime.InteropServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>Rows of a dense, row-major matrix.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct MatrixRows<TNumbers>(byte* matrix, int columns) : IRows
    where TNumbers : struct, INumbers
{
    /// <inheritdoc/>
    public void Pack<TLanes, TVector>(float* block, long first, int rows, int start, int count)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        byte* from = matrix + (((first * columns) + start) * TNumbers.Size);
        for (int i = 0; i < rows; i++, block += Depth.Stride, from += (nint)columns * TNumbers.Size)
        {
            Copies.Widen<TNumbers, TLanes, TVector>(from, block, count);
            Copies.Pad(block, count);
        }
    }
}
