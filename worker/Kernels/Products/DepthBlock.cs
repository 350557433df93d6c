using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>A part of a matrix product's inner dimension.</summary>
/// <param name="Start">Its first term.</param>
/// <param name="Count">Its terms.</param>
/// <param name="Packed">The terms of all blocks before it, with the zeros that fill them.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DepthBlock(int Start, int Count, int Packed)
{
    /// <summary>Its terms with the zeros that fill it.</summary>
    public int Padded => Depth.Padded(Count);
}
