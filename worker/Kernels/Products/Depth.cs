using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>
/// How a matrix product's inner dimension is divided into blocks, over which the product is summed. It depends on nothing but that
/// dimension, so the order of additions does not either.
/// </summary>
internal static class Depth
{
    /// <summary>Blocks are multiples of this number; zeros fill the rest.</summary>
    public const int Step = 4;

    /// <summary>
    /// The number of terms of the largest block: a panel of the second matrix (40 KiB with AVX-512, 20 KiB with AVX2) has about the size of
    /// the first cache.
    /// </summary>
    public const int Largest = 320;

    /// <summary>
    /// The distance from one row of a block of the first matrix to the next, in numbers: an odd number of cache lines, so that rows fall
    /// into different cache sets.
    /// </summary>
    public const int Stride = Largest + 16;

    /// <summary>The number of channels from which on blocks of one tap each are long enough.</summary>
    public const int ManyChannels = 32;

    // of the largest vector; all blocks but a run's last are multiples
    private const int Vector = 16;

    public static int Padded(int count) => (count + Step - 1) / Step * Step;

    /// <summary>
    /// Divides the inner dimension into blocks of about the same size. From <see cref="ManyChannels"/> on no block contains more than one
    /// tap.
    /// </summary>
    public static DepthBlock[] Blocks(int channels, int taps)
    {
        (int length, int runs) = channels < ManyChannels ? (channels * taps, 1) : (channels, taps);
        int perRun = (length + Largest - 1) / Largest;
        int step = (((length + perRun - 1) / perRun) + Vector - 1) / Vector * Vector;
        var blocks = new List<DepthBlock>();
        int packed = 0;
        for (int run = 0; run < runs; run++)
        {
            for (int start = 0; start < length; start += step)
            {
                var block = new DepthBlock((run * length) + start, Math.Min(step, length - start), packed);
                packed += block.Padded;
                blocks.Add(block);
            }
        }

        return [.. blocks];
    }
}

/// <summary>A block of a matrix product's inner dimension.</summary>
/// <param name="Start">The index of its first term.</param>
/// <param name="Count">The number of its terms.</param>
/// <param name="Packed">The number of terms of all blocks before it, with the zeros that fill them.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DepthBlock(int Start, int Count, int Packed)
{
    /// <summary>The number of its terms, with the zeros that fill it.</summary>
    public int Padded => Depth.Padded(Count);
}
