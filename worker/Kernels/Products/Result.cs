using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Generation.Kernels.Pointwise;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>Where a product's sums are written, and how.</summary>
internal unsafe interface IResult
{
    /// <param name="sums">(rows, columns); columns beyond the result's last one are ignored.</param>
    /// <param name="columns">The number of columns of a panel.</param>
    /// <param name="bias">(columns)</param>
    /// <param name="row">The index of the first row.</param>
    /// <param name="panel">The index of the panel that the sums belong to.</param>
    public void Write<TLanes, TVector>(float* sums, int columns, float* bias, long row, int rows, int panel)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>Writes the sums to a dense matrix of <paramref name="columns"/> columns.</summary>
/// <param name="added">A matrix of the same shape and type that is added, or null; it may be the result itself.</param>
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
                    sum = added is null ? sum : TLanes.Add(sum, PartialVector.Load<TNumbers, TLanes, TVector>(added + at, count - j));
                    PartialVector.Store<TNumbers, TLanes, TVector>(result + at, sum, count - j);
                }
            }
        }
    }
}

/// <summary>
/// Writes GEGLU, the first half of a panel's columns times GELU of the second half, to a dense matrix of <paramref name="columns"/>
/// columns. Shazeer, 2020.
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
                PartialVector.Store<TNumbers, TLanes, TVector>(to, gated, count);
            }
        }
    }
}
