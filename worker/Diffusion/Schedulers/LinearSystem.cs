namespace Generation.Diffusion.Schedulers;

/// <summary>Solves small systems of linear equations, in single precision.</summary>
internal static class LinearSystem
{
    /// <summary>Solves by elimination with partial pivoting.</summary>
    /// <param name="matrix">The rows of the matrix, which are not changed.</param>
    /// <param name="right">The right hand side, which is not changed.</param>
    public static float[] Solve(float[][] matrix, float[] right)
    {
        float[][] rows = [.. matrix.Select(r => (float[])r.Clone())];
        float[] x = (float[])right.Clone();
        int size = x.Length;
        for (int column = 0; column < size; column++)
        {
            int pivot = Enumerable.Range(column, size - column).MaxBy(r => MathF.Abs(rows[r][column]));
            (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
            (x[column], x[pivot]) = (x[pivot], x[column]);
            for (int row = column + 1; row < size; row++)
            {
                float factor = rows[row][column] / rows[column][column];
                for (int k = column; k < size; k++)
                {
                    rows[row][k] -= factor * rows[column][k];
                }

                x[row] -= factor * x[column];
            }
        }

        for (int row = size - 1; row >= 0; row--)
        {
            for (int k = row + 1; k < size; k++)
            {
                x[row] -= rows[row][k] * x[k];
            }

            x[row] /= rows[row][row];
        }

        return x;
    }
}
