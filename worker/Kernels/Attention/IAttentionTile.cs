namespace Generation.Kernels.Attention;

/// <summary>The matrix product that both halves of attention consist of, as large as fits in registers.</summary>
internal unsafe interface IAttentionTile
{
    /// <summary>The number of rows of the result: keys, or positions within the head.</summary>
    public static abstract int Rows { get; }

    /// <summary>The number of columns of the result, a whole number of vectors.</summary>
    public static abstract int Queries { get; }

    /// <summary>Computes c (Rows, Queries) = a^T b, or c + a^T b, with dense a (depth, Rows) and b (depth, Queries).</summary>
    public static abstract void Multiply(float* a, long depth, float* b, float* c, bool accumulate);
}
