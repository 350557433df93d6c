using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>A part of a matrix product that is computed in registers, for one set of instructions.</summary>
internal unsafe interface ITile
{
    /// <summary>Rows that keep all registers busy.</summary>
    public static abstract int Rows { get; }

    /// <summary>Fewer rows, for what is left over.</summary>
    public static abstract int FewRows { get; }

    /// <summary>Columns of a tile, and of a panel of the second matrix: two vectors.</summary>
    public static abstract int Columns { get; }

    /// <summary>sums = start + a x b, the terms added in the order of the depth.</summary>
    /// <param name="a">Rows of <paramref name="depth"/> numbers, each <see cref="Depth.Stride"/> after the one before.</param>
    /// <param name="b">(depth, Columns)</param>
    /// <param name="depth">A multiple of <see cref="Depth.Step"/>.</param>
    /// <param name="start">(Rows, Columns); it may be <paramref name="sums"/>.</param>
    /// <param name="sums">(Rows, Columns)</param>
    public static abstract void Multiply(float* a, float* b, nint depth, float* start, float* sums);

    /// <summary>The same for <see cref="FewRows"/>.</summary>
    public static abstract void MultiplyFew(float* a, float* b, nint depth, float* start, float* sums);
}

/// <summary>So many tiles of each height, the high ones first, that they cover some rows with the least beyond them.</summary>
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

    /// <summary>The rows of all tiles.</summary>
    public int Count<TTile>()
        where TTile : struct, ITile => (High * TTile.Rows) + (Low * TTile.FewRows);

    /// <summary>sums = a x b, or sums + a x b.</summary>
    /// <param name="a">Rows that are <see cref="Depth.Stride"/> apart.</param>
    /// <param name="b">(depth, columns of a tile)</param>
    /// <param name="zeros">Zeros, a tile of them, to begin with; null where the sums are there already.</param>
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
