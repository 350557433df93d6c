using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Scaled dot product attention, softmax(Q K^T * scale + mask) V. The attention of every network is computed here.</summary>
public static class ScaledDotProduct
{
    /// <summary>Attention with heads concatenated in the last axis.</summary>
    /// <param name="query">(batch, queries, heads * size)</param>
    /// <param name="key">(batch, keys, heads * size)</param>
    /// <param name="value">(batch, keys, heads * size)</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="mask">Added to the scores; broadcasts to (batch, heads, queries, keys). Null for none.</param>
    /// <param name="isCausal">Each query sees the keys up to its own position.</param>
    /// <param name="scale">Null for one over the square root of the head's size.</param>
    /// <returns>(batch, queries, heads * size)</returns>
    public static Tensor Attend(
        Tensor query,
        Tensor key,
        Tensor value,
        int heads,
        Tensor? mask = null,
        bool isCausal = false,
        double? scale = null
    )
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = AttendHeads(SplitHeads(query, heads), SplitHeads(key, heads), SplitHeads(value, heads), mask, isCausal, scale);
        return JoinHeads(attended).MoveToOuterDisposeScope();
    }

    /// <summary>Attention with heads in an axis of their own.</summary>
    /// <param name="query">(batch, heads, queries, size)</param>
    /// <param name="key">(batch, heads, keys, size)</param>
    /// <param name="value">(batch, heads, keys, size)</param>
    /// <returns>(batch, heads, queries, size)</returns>
    public static Tensor AttendHeads(
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor? mask = null,
        bool isCausal = false,
        double? scale = null
    ) => TorchExtras.scaled_dot_product_attention(query, key, value, mask, isCausal, scale);

    /// <summary>Turns (batch, length, heads * size) into (batch, heads, length, size), as a view.</summary>
    public static Tensor SplitHeads(Tensor x, int heads)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.view(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Turns (batch, heads, length, size) into (batch, length, heads * size).</summary>
    public static Tensor JoinHeads(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]).MoveToOuterDisposeScope();
    }
}
