namespace Generation.Kernels.Products;

/// <summary>How the sum over a matrix product's inner dimension is cut into blocks. It depends on nothing but that dimension, so the order of additions does not either.</summary>
internal static class Depth
{
    /// <summary>Blocks are multiples of this; zeros fill the last one.</summary>
    public const int Step = 4;

    /// <summary>Terms of the largest block: a panel of the second matrix (40 KiB with AVX-512, 20 KiB with AVX2) is near enough to the first cache.</summary>
    public const int Largest = 320;

    /// <summary>Numbers from one row of a block of the first matrix to the next: an odd number of cache lines, so that rows fall into different sets.</summary>
    public const int Stride = Largest + 16;

    /// <summary>Terms of each block but the last.</summary>
    public static int Block(int depth)
    {
        int blocks = (depth + Largest - 1) / Largest;
        return Padded((depth + blocks - 1) / blocks);
    }

    public static int Padded(int depth) => (depth + Step - 1) / Step * Step;
}
