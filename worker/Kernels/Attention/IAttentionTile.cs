namespace Generation.Kernels.Attention;

/// <summary>The matrix product that both halves of attention are made of, as large as the registers hold.</summary>
internal unsafe interface IAttentionTile
{
    /// <summary>Rows of the result: keys, or places of the head.</summary>
    public static abstract int Rows { get; }

    /// <summary>Columns of the result, a whole number of vectors.</summary>
    public static abstract int Queries { get; }

    /// <summary>c (Rows, Queries) = a^T b, or c + a^T b, with dense a (depth, Rows) and b (depth, Queries).</summary>
    public static abstract void Multiply(float* a, long depth, float* b, float* c, bool accumulate);
}
