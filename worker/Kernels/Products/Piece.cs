using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>The part of a matrix product that one thread computes at a time.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Piece(long FirstRow, int Rows, int FirstPanel, int Panels);
