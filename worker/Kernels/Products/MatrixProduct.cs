using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// Matrix products in blocks that stay in the processor's caches (Goto and van de Geijn, 2008). Each number of the result is the sum of its
/// terms in one order, which depends on the inner dimension alone: neither the number of threads nor other rows change it.
/// </summary>
internal static unsafe class MatrixProduct
{
    private const int LargestRows = 196;
    private const int LargestColumns = 320;

    /// <summary>Computes result = rows x matrix + the matrix's bias.</summary>
    public static void Run<TRows, TResult>(PackedMatrix matrix, TRows rows, long count, TResult result)
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        if (matrix.Instructions >= InstructionSet.Avx512)
        {
            Run<Avx512Tile, Lanes512, Vector512<float>, TRows, TResult>(matrix, rows, count, result);
        }
        else
        {
            Run<Avx2Tile, Lanes256, Vector256<float>, TRows, TResult>(matrix, rows, count, result);
        }
    }

    private static void Run<TTile, TLanes, TVector, TRows, TResult>(PackedMatrix matrix, TRows rows, long count, TResult result)
        where TTile : struct, ITile
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        var pieces = Pieces.Cut(count, LargestRows, TTile.Rows, matrix.Panels, LargestColumns / TTile.Columns);
        ThreadTeam.For(pieces.Count, piece => Piece<TTile, TLanes, TVector, TRows, TResult>(matrix, rows, result, pieces[piece]));
    }

    private static void Piece<TTile, TLanes, TVector, TRows, TResult>(PackedMatrix matrix, TRows rows, TResult result, Piece piece)
        where TTile : struct, ITile
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
        where TRows : struct, IRows
        where TResult : struct, IResult
    {
        var tiles = TileRows.Cover<TTile>(piece.Rows);
        int panelSums = tiles.Count<TTile>() * TTile.Columns;
        int keptPanels = matrix.Blocks.Count == 1 ? 1 : piece.Panels;
        using var scratch = Scratch.Take(
            tiles.Count<TTile>() * Depth.Stride,
            keptPanels * panelSums,
            Depth.Largest * TTile.Columns,
            TTile.Rows * TTile.Columns
        );
        float* block = scratch[0];
        float* zeros = scratch[3];
        new Span<float>(zeros, TTile.Rows * TTile.Columns).Clear();
        for (int k = 0; k < matrix.Blocks.Count; k++)
        {
            DepthBlock depth = matrix.Blocks[k];
            rows.Pack<TLanes, TVector>(block, piece.FirstRow, piece.Rows, depth.Start, depth.Count);
            for (int p = 0; p < piece.Panels; p++)
            {
                int panel = piece.FirstPanel + p;
                float* b = matrix.Panel<TLanes, TVector>(depth, panel, widened: scratch[2]);
                float* sums = scratch[1] + (p % keptPanels * panelSums);
                tiles.Multiply<TTile>(block, b, depth.Padded, k == 0 ? zeros : null, sums);
                if (k == matrix.Blocks.Count - 1)
                {
                    result.Write<TLanes, TVector>(sums, TTile.Columns, matrix.Bias(panel), piece.FirstRow, piece.Rows, panel);
                }
            }
        }
    }
}
