using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Attention proper: softmax(Q K^T * scale + mask) V, the one place that every network's attention goes through.</summary>
public static class ScaledDotProduct
{
    /// <summary>Attention over heads that lie side by side in the last axis.</summary>
    /// <param name="query">(batch, queries, heads * size)</param>
    /// <param name="key">(batch, keys, heads * size)</param>
    /// <param name="value">(batch, keys, heads * size)</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="mask">Added to the scores; broadcasts to (batch, heads, queries, keys). Null: none.</param>
    /// <param name="isCausal">Each query sees the keys up to its own position.</param>
    /// <param name="scale">Null: one over the root of the head's size.</param>
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

    /// <summary>Attention over heads in an axis of their own.</summary>
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

    /// <summary>(batch, length, heads * size) to (batch, heads, length, size), as a view.</summary>
    public static Tensor SplitHeads(Tensor x, int heads)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.view(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>(batch, heads, length, size) to (batch, length, heads * size).</summary>
    public static Tensor JoinHeads(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]).MoveToOuterDisposeScope();
    }
}
