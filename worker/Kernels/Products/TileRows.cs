using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>A part of a matrix product that is computed in registers, for one set of instructions.</summary>
internal unsafe interface ITile
{
    /// <summary>The number of rows of a full tile, which keeps all registers busy.</summary>
    public static abstract int Rows { get; }

    /// <summary>The number of rows of a low tile, for the remaining rows.</summary>
    public static abstract int FewRows { get; }

    /// <summary>The number of columns of a tile, and of a panel of the second matrix: two vectors.</summary>
    public static abstract int Columns { get; }

    /// <summary>Computes sums = start + a x b. Terms are added in the order of the inner dimension.</summary>
    /// <param name="a">Rows of <paramref name="depth"/> numbers, which are <see cref="Depth.Stride"/> apart.</param>
    /// <param name="b">(depth, Columns)</param>
    /// <param name="depth">The length of the inner dimension, a multiple of <see cref="Depth.Step"/>.</param>
    /// <param name="start">(Rows, Columns); it may be <paramref name="sums"/>.</param>
    /// <param name="sums">(Rows, Columns)</param>
    public static abstract void Multiply(float* a, float* b, nint depth, float* start, float* sums);

    /// <summary>The same for <see cref="FewRows"/> rows.</summary>
    public static abstract void MultiplyFew(float* a, float* b, nint depth, float* start, float* sums);
}

/// <summary>How many tiles of each height cover some rows with the fewest rows beyond them; the high tiles come first.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TileRows(int High, int Low)
{
    public static TileRows Cover<TTile>(int rows)
        where TTile : struct, ITile
    {
        TileRows best = new((rows + TTile.Rows - 1) / TTile.Rows, 0);
        for (int high = best.High - 1; high >= 0; high--)
        {
            var other = new TileRows(high, (rows - (high * TTile.Rows) + TTile.FewRows - 1) / TTile.FewRows);
            if (other.Count<TTile>() < best.Count<TTile>())
            {
                best = other;
            }
        }

        return best;
    }

    /// <summary>The number of rows of all tiles.</summary>
    public int Count<TTile>()
        where TTile : struct, ITile => (High * TTile.Rows) + (Low * TTile.FewRows);

    /// <summary>Computes sums = a x b, or sums + a x b.</summary>
    /// <param name="a">Rows that are <see cref="Depth.Stride"/> apart.</param>
    /// <param name="b">(depth, columns of a tile)</param>
    /// <param name="zeros">A tile of zeros to begin with; null where the sums have values already.</param>
    /// <param name="sums">(rows, columns of a tile)</param>
    public unsafe void Multiply<TTile>(float* a, float* b, int depth, float* zeros, float* sums)
        where TTile : struct, ITile
    {
        for (int i = 0; i < High; i++, a += TTile.Rows * Depth.Stride, sums += TTile.Rows * TTile.Columns)
        {
            TTile.Multiply(a, b, depth, zeros is null ? sums : zeros, sums);
        }

        for (int i = 0; i < Low; i++, a += TTile.FewRows * Depth.Stride, sums += TTile.FewRows * TTile.Columns)
        {
            TTile.MultiplyFew(a, b, depth, zeros is null ? sums : zeros, sums);
        }
    }
}
