using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>What a convolution sees of a picture at a time, and how it moves.</summary>
/// <param name="Padding">Zeros on each side of a picture.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Window(int Height, int Width, int Stride, int Padding)
{
    public int ResultHeight(int height) => ((height + (2 * Padding) - Height) / Stride) + 1;

    public int ResultWidth(int width) => ((width + (2 * Padding) - Width) / Stride) + 1;
}
