using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

public static unsafe partial class TorchExtras
{
    /// <summary>
    /// softmax(query key^T * scale + mask) value (Vaswani et al., 2017). query (batch, heads, length, size), key and value (batch, heads, keys, size).
    /// The result is (batch, heads, length, size), on the CPU with the heads side by side in memory.
    /// </summary>
    /// <param name="attn_mask">Booleans (true attends) or numbers that are added, broadcast to (batch, heads, length, keys); null: none.</param>
    /// <param name="scale">Null for one over the square root of the head size.</param>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor scaled_dot_product_attention(
        Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, bool is_causal = false, double? scale = null)
    {
        try
        {
            return LibtorchAttention(query, key, value, attn_mask, is_causal, scale);
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of(nameof(scaled_dot_product_attention), error, query, key, value, attn_mask);
        }
    }

    /// <summary>Attention as three operations: what the fused forms must equal.</summary>
    public static Tensor ComposedAttention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, bool is_causal = false, double? scale = null)
    {
        using DisposeScope scope = NewDisposeScope();
        double factor = scale ?? 1.0 / Math.Sqrt(query.shape[^1]);
        Tensor scores = product(query * factor, key.transpose(-2, -1));
        if (is_causal)
        {
            Tensor later = ones([scores.shape[^2], scores.shape[^1]], ScalarType.Bool, scores.device).triu(1);
            scores = scores.masked_fill(later, double.NegativeInfinity);
        }

        if (attn_mask is not null)
        {
            scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores + attn_mask;
        }

        return product(scores.softmax(-1), value).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Matrix products over equal leading dimensions: (.., rows, inner) by (.., inner, columns). TorchSharp's own <c>matmul</c> ends the process where
    /// shapes do not fit, since its native side catches no exception there; this one throws.
    /// </summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor product(Tensor left, Tensor right)
    {
        try
        {
            long[] a = left.shape, b = right.shape;
            if (a.Length == 2 && b.Length == 2)
            {
                return left.mm(right);
            }

            if (a.Length > 2 && b.Length == 2)
            {
                using Tensor rows = left.reshape(-1, a[^1]);
                using Tensor made = rows.mm(right);
                return made.view([.. a[..^1], b[^1]]);
            }

            if (a.Length != b.Length || !a.AsSpan(0, a.Length - 2).SequenceEqual(b.AsSpan(0, Math.Max(0, b.Length - 2))))
            {
                throw TorchException.Of(nameof(product), "the leading dimensions differ", left, right);
            }

            using Tensor lefts = left.reshape(-1, a[^2], a[^1]);
            using Tensor rights = right.reshape(-1, b[^2], b[^1]);
            using Tensor products = lefts.bmm(rights);
            return products.view([.. a[..^1], b[^1]]);
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of(nameof(product), error, left, right);
        }
    }

    // TorchSharp's has no scale argument: it divides by the root of the head size
    private static Tensor LibtorchAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale)
    {
        double root = Math.Sqrt(query.shape[^1]);
        double factor = (scale ?? 1.0 / root) * root;
        if (Math.Abs(factor - 1.0) < 1e-12)
        {
            return nn.functional.scaled_dot_product_attention(query, key, value, mask, 0.0, causal);
        }

        using Tensor scaled = query * factor;
        return nn.functional.scaled_dot_product_attention(scaled, key, value, mask, 0.0, causal);
    }
}
