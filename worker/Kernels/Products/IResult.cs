namespace Generation.Kernels.Products;

/// <summary>What becomes of a product's tiles.</summary>
internal unsafe interface IResult
{
    /// <param name="tile">(rows, tileColumns); what lies beyond the result's last column is left out.</param>
    /// <param name="bias">(tileColumns)</param>
    /// <param name="row">The tile's first row.</param>
    /// <param name="column">The tile's first column.</param>
    public void Write(float* tile, int tileColumns, float* bias, long row, int rows, int column);
}
