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
