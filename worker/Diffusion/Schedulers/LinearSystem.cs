namespace Generation.Diffusion.Schedulers;

/// <summary>Small systems of linear equations, in single precision.</summary>
internal static class LinearSystem
{
    /// <summary>Solves by elimination with partial pivoting.</summary>
    /// <param name="matrix">Rows; left as they are.</param>
    /// <param name="right">Right hand side; left as it is.</param>
    public static float[] Solve(float[][] matrix, float[] right)
    {
        float[][] rows = [.. matrix.Select(r => (float[])r.Clone())];
        var x = (float[])right.Clone();
        var size = x.Length;
        for (var column = 0; column < size; column++)
        {
            var pivot = Enumerable.Range(column, size - column).MaxBy(r => MathF.Abs(rows[r][column]));
            (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
            (x[column], x[pivot]) = (x[pivot], x[column]);
            for (var row = column + 1; row < size; row++)
            {
                var factor = rows[row][column] / rows[column][column];
                for (var k = column; k < size; k++)
                {
                    rows[row][k] -= factor * rows[column][k];
                }

                x[row] -= factor * x[column];
            }
        }

        for (var row = size - 1; row >= 0; row--)
        {
            for (var k = row + 1; k < size; k++)
            {
                x[row] -= rows[row][k] * x[k];
            }

            x[row] /= rows[row][row];
        }

        return x;
    }
}
