namespace Generation.Kernels.Products;

/// <summary>
/// Matrix products in blocks that stay in the processor's caches (Goto and van de Geijn, 2008). Each number of the result is the sum of its
/// terms in one order, which depends on the depth alone: neither the number of threads nor other rows change it.
/// </summary>
internal static unsafe class MatrixProduct
{
    /// <summary>result = rows x matrix + the matrix's bias.</summary>
    public static void Run<TRows, TResult>(PackedMatrix matrix, TRows rows, long count, TResult result)
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        if (matrix.Instructions >= InstructionSet.Avx512)
        {
            Run<Avx512Tile, TRows, TResult>(matrix, rows, count, result);
        }
        else
        {
            Run<Avx2Tile, TRows, TResult>(matrix, rows, count, result);
        }
    }

    private static void Run<TTile, TRows, TResult>(PackedMatrix matrix, TRows rows, long count, TResult result)
        where TTile : struct, ITile
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        (long rowBlocks, int panelBlocks) = Blocks(count, matrix.Panels, TTile.Rows, TTile.Columns);
        long blockRows = Rounded(count, rowBlocks, TTile.Rows);
        int blockPanels = (int)Rounded(matrix.Panels, panelBlocks, 1);
        panelBlocks = (matrix.Panels + blockPanels - 1) / blockPanels;
        rowBlocks = (count + blockRows - 1) / blockRows;
        ThreadTeam.For(rowBlocks * panelBlocks, piece =>
        {
            long row = piece / panelBlocks * blockRows;
            int panel = (int)(piece % panelBlocks) * blockPanels;
            Piece<TTile, TRows, TResult>(
                matrix, rows, result, row, (int)Math.Min(blockRows, count - row), panel, Math.Min(blockPanels, matrix.Panels - panel));
        });
    }

    private static void Piece<TTile, TRows, TResult>(
        PackedMatrix matrix, TRows rows, TResult result, long firstRow, int rowCount, int firstPanel, int panelCount)
        where TTile : struct, ITile
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        using Scratch scratch = Scratch.Take();
        int tileLength = TTile.Rows * TTile.Columns;
        int tiles = (rowCount + TTile.Rows - 1) / TTile.Rows;
        int step = Depth.Block(matrix.RowLength);
        for (int start = 0; start < matrix.RowLength; start += step)
        {
            int count = Math.Min(step, matrix.RowLength - start);
            bool last = start + count == matrix.RowLength;
            rows.Pack(scratch.Rows, firstRow, rowCount, start, count);
            for (int p = 0; p < panelCount; p++)
            {
                int panel = firstPanel + p;
                float* b = matrix.Panel(start, count, panel, scratch.Panel);
                for (int t = 0; t < tiles; t++)
                {
                    int row = t * TTile.Rows;
                    float* tile = scratch.Sums + (((p * tiles) + t) * tileLength);
                    TTile.Multiply(scratch.Rows + (row * Depth.Stride), b, Depth.Padded(count), start == 0 ? scratch.Zeros : tile, tile);
                    if (last)
                    {
                        result.Write(tile, TTile.Columns, matrix.Bias(panel), firstRow + row, Math.Min(TTile.Rows, rowCount - row), panel * TTile.Columns);
                    }
                }
            }
        }
    }

    /// <summary>How many blocks of rows and of panels a product is cut into: each fits in the scratch memory, and there are a few for each thread.</summary>
    private static (long Rows, int Panels) Blocks(long rows, int panels, int tileRows, int tileColumns)
    {
        long rowBlocks = (rows + LargestRows(tileRows) - 1) / LargestRows(tileRows);
        int largestPanels = LargestColumns / tileColumns;
        int panelBlocks = (panels + largestPanels - 1) / largestPanels;
        int enough = ThreadTeam.Threads == 1 ? 1 : 4 * ThreadTeam.Threads;
        if (rowBlocks * panelBlocks < enough)
        {
            panelBlocks = Math.Max(panelBlocks, (int)Math.Min((panels + 1) / 2, (enough + rowBlocks - 1) / rowBlocks));
            rowBlocks = Math.Max(rowBlocks, Math.Min((rows + (2 * tileRows) - 1) / (2 * tileRows), (enough + panelBlocks - 1) / panelBlocks));
        }

        return (rowBlocks, panelBlocks);
    }

    private const int LargestColumns = 320;

    private static int LargestRows(int tileRows) => 196 / tileRows * tileRows;

    private static long Rounded(long count, long blocks, int step) => ((count + blocks - 1) / blocks + step - 1) / step * step;
}
