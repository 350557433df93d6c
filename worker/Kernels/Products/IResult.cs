using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>What becomes of a product's sums.</summary>
internal unsafe interface IResult
{
    /// <param name="sums">(rows, columns); what lies beyond the result's last column is left out.</param>
    /// <param name="columns">Columns of a panel.</param>
    /// <param name="bias">(columns)</param>
    /// <param name="row">The first row.</param>
    /// <param name="panel">The panel that the sums belong to.</param>
    public void Write<TLanes, TVector>(float* sums, int columns, float* bias, long row, int rows, int panel)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}
