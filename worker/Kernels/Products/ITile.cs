namespace Generation.Kernels.Products;

/// <summary>A part of a matrix product that is computed in registers, for one set of instructions.</summary>
internal unsafe interface ITile
{
    /// <summary>Rows of a tile.</summary>
    public static abstract int Rows { get; }

    /// <summary>Columns of a tile: two vectors.</summary>
    public static abstract int Columns { get; }

    /// <summary>tile = start + a x b, the terms added in the order of the depth.</summary>
    /// <param name="a">Rows of <paramref name="depth"/> numbers, each <see cref="Depth.Stride"/> after the one before.</param>
    /// <param name="b">(depth, Columns)</param>
    /// <param name="depth">A multiple of <see cref="Depth.Step"/>.</param>
    /// <param name="start">(Rows, Columns); it may be <paramref name="tile"/>.</param>
    /// <param name="tile">(Rows, Columns)</param>
    public static abstract void Multiply(float* a, float* b, nint depth, float* start, float* tile);
}
