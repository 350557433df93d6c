using System.Runtime.InteropServices;

namespace Generation.Kernels;

/// <summary>The distances from one batch entry, head and row to the next, in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct AttentionStrides(long Batch, long Head, long Row);

/// <summary>
/// The arguments of attention, softmax(query key^T scale + mask) value for each head. All arrays are (batch, heads, rows, size) with the
/// given strides, and their last dimension is dense; query and output have <see cref="Length"/> rows, key and value <see cref="Keys"/>.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly unsafe struct AttentionTask
{
    /// <summary>The element type of query, key, value and output.</summary>
    public required Element Element { get; init; }

    public required void* Query { get; init; }

    public required void* Key { get; init; }

    public required void* Value { get; init; }

    public required void* Output { get; init; }

    public required AttentionStrides QueryStrides { get; init; }

    public required AttentionStrides KeyStrides { get; init; }

    public required AttentionStrides ValueStrides { get; init; }

    public required AttentionStrides OutputStrides { get; init; }

    /// <summary>(batch, heads, length, keys) by its strides, of which any may be 0; added to the scaled scores. Null for none.</summary>
    public float* Mask { get; init; }

    public AttentionStrides MaskStrides { get; init; }

    /// <summary>The distance from one key to the next in the mask, in elements.</summary>
    public long MaskColumn { get; init; }

    /// <summary>Whether a query attends only to keys up to its own position.</summary>
    public bool IsCausal { get; init; }

    public required long Batch { get; init; }

    public required long Heads { get; init; }

    public required long Length { get; init; }

    public required long Keys { get; init; }

    public required long Size { get; init; }

    /// <summary>The factor of the scores, usually one over the square root of <see cref="Size"/>.</summary>
    public required float Scale { get; init; }
}
