using System.Runtime.InteropServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>The first matrix of a product, whose rows are produced as they are needed: it need not exist in memory.</summary>
internal unsafe interface IRows
{
    /// <summary>Copies a part of some rows, converted to float32.</summary>
    /// <param name="block">
    /// Row i of the copy begins at i times <see cref="Depth.Stride"/>; zeros follow up to a multiple of <see cref="Depth.Step"/>.
    /// </param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="start">The index of the first number in each row.</param>
    /// <param name="count">The number of numbers of each row.</param>
    public void Pack<TLanes, TVector>(float* block, long first, int rows, int start, int count)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

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
            WideningCopy.Widen<TNumbers, TLanes, TVector>(from, block, count);
            WideningCopy.Pad(block, count);
        }
    }
}
