using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Generation.Kernels.Pointwise;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// GEGLU: the first half of a panel's columns times GELU of the second half, in a dense matrix of <paramref name="columns"/> columns.
/// Shazeer, 2020.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct GatedResult<TNumbers>(byte* result, int columns) : IResult
    where TNumbers : struct, INumbers
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write<TLanes, TVector>(float* sums, int panelColumns, float* bias, long row, int rows, int panel)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // two vectors are a row of a panel: one of values, one of gates
        int column = panel * TLanes.Count;
        int count = Math.Min(TLanes.Count, columns - column);
        TVector valueBias = TLanes.Load(bias);
        TVector gateBias = TLanes.Load(bias + TLanes.Count);
        for (int i = 0; i < rows; i++, sums += panelColumns)
        {
            TVector gate = TLanes.Add(TLanes.Load(sums + TLanes.Count), gateBias);
            TVector gated = TLanes.Multiply(TLanes.Add(TLanes.Load(sums), valueBias), Gelu.Apply<TLanes, TVector>(gate));
            byte* to = result + ((((row + i) * columns) + column) * TNumbers.Size);
            if (count == TLanes.Count)
            {
                TNumbers.Store<TLanes, TVector>(to, gated);
            }
            else
            {
                Partial.Store<TNumbers, TLanes, TVector>(to, gated, count);
            }
        }
    }
}
