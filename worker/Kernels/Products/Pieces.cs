using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>
/// The division of a matrix product into pieces of about the same size, of whole panels: as few as fit in the caches, but some for each
/// thread.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Pieces(long Rows, int RowsEach, int Panels, int PanelsEach)
{
    private const int EachThread = 4;

    public long Count => Blocks(Rows, RowsEach) * Blocks(Panels, PanelsEach);

    public Piece this[long index]
    {
        get
        {
            long panelPieces = Blocks(Panels, PanelsEach);
            long row = index / panelPieces * RowsEach;
            int panel = (int)(index % panelPieces) * PanelsEach;
            return new Piece(row, (int)Math.Min(RowsEach, Rows - row), panel, Math.Min(PanelsEach, Panels - panel));
        }
    }

    /// <param name="rowStep">The number of rows of a piece is a multiple of this.</param>
    public static Pieces Cut(long rows, int largestRows, int rowStep, int panels, int largestPanels)
    {
        long rowPieces = Blocks(rows, largestRows);
        long panelPieces = Blocks(panels, largestPanels);
        int enough = ThreadTeam.Threads == 1 ? 1 : EachThread * ThreadTeam.Threads;
        if (rowPieces * panelPieces < enough)
        {
            // weights are read once for each piece of rows: more pieces of panels come first
            panelPieces = Math.Max(panelPieces, Math.Min(Blocks(panels, 2), Blocks(enough, rowPieces)));
            rowPieces = Math.Max(rowPieces, Math.Min(Blocks(rows, 2 * rowStep), Blocks(enough, panelPieces)));
        }

        return new Pieces(rows, (int)(Blocks(Blocks(rows, rowPieces), rowStep) * rowStep), panels, (int)Blocks(panels, panelPieces));
    }

    private static long Blocks(long count, long size) => (count + size - 1) / size;
}

/// <summary>The part of a matrix product that one thread computes at a time.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Piece(long FirstRow, int Rows, int FirstPanel, int Panels);
