using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>The sums, in a dense matrix of <paramref name="columns"/> columns.</summary>
/// <param name="added">A matrix of the same shape and numbers that is added, or null; it may be the result itself.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct Result<TNumbers>(byte* result, byte* added, int columns) : IResult
    where TNumbers : struct, INumbers
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write<TLanes, TVector>(float* sums, int panelColumns, float* bias, long row, int rows, int panel)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int column = panel * panelColumns;
        int count = Math.Min(panelColumns, columns - column);
        for (int i = 0; i < rows; i++, sums += panelColumns)
        {
            long at = (((row + i) * columns) + column) * TNumbers.Size;
            for (int j = 0; j < count; j += TLanes.Count, at += TLanes.Count * TNumbers.Size)
            {
                TVector sum = TLanes.Add(TLanes.Load(sums + j), TLanes.Load(bias + j));
                if (j + TLanes.Count <= count)
                {
                    sum = added is null ? sum : TLanes.Add(sum, TNumbers.Load<TLanes, TVector>(added + at));
                    TNumbers.Store<TLanes, TVector>(result + at, sum);
                }
                else
                {
                    sum = added is null ? sum : TLanes.Add(sum, Partial.Load<TNumbers, TLanes, TVector>(added + at, count - j));
                    Partial.Store<TNumbers, TLanes, TVector>(result + at, sum, count - j);
                }
            }
        }
    }
}
