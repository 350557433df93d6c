using System.Runtime.InteropServices;
using Generation.Kernels;
using Generation.Kernels.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

public static unsafe partial class TorchExtras
{
    /// <summary>
    /// Computes softmax(query key^T * scale + mask) value (Vaswani et al., 2017), where query is (batch, heads, length, size), and key and
    /// value are (batch, heads, keys, size). The result is (batch, heads, length, size), on the CPU with the heads concatenated in memory.
    /// </summary>
    /// <param name="attn_mask">
    /// Booleans (true attends) or numbers that are added, broadcast to (batch, heads, length, keys); null for none.
    /// </param>
    /// <param name="scale">Null for one over the square root of the head size.</param>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor scaled_dot_product_attention(
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor? attn_mask = null,
        bool is_causal = false,
        double? scale = null
    )
    {
        try
        {
            return FusedAttention(query, key, value, attn_mask, is_causal, scale)
                ?? LibtorchAttention(query, key, value, attn_mask, is_causal, scale);
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of(nameof(scaled_dot_product_attention), error, query, key, value, attn_mask);
        }
    }

    /// <summary>Computes attention by three operations, whose result the fused kernels must equal.</summary>
    public static Tensor ComposedAttention(
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor? attn_mask = null,
        bool is_causal = false,
        double? scale = null
    )
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
            scores =
                attn_mask.dtype == ScalarType.Bool
                    ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity)
                    : scores + attn_mask;
        }

        return product(scores.softmax(-1), value).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Multiplies matrices over equal leading dimensions: (.., rows, inner) by (.., inner, columns). TorchSharp's own <c>matmul</c> ends
    /// the process where shapes do not fit, because its native side does not catch the exception; this method throws.
    /// </summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor product(Tensor left, Tensor right)
    {
        try
        {
            long[] a = left.shape,
                b = right.shape;
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

    private static Tensor? FusedAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale)
    {
        long[] q = query.shape,
            k = key.shape,
            v = value.shape;
        if (
            KernelElement(query) is not { } element
            || q.Length != 4
            || k.Length != 4
            || key.dtype != query.dtype
            || value.dtype != query.dtype
            || !k.AsSpan().SequenceEqual(v)
            || k[0] != q[0]
            || k[1] != q[1]
            || k[3] != q[3]
            || query.NumberOfElements == 0
            || key.NumberOfElements == 0
        )
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor? added = mask is null ? null : AddedMask(mask).expand(q[0], q[1], q[2], k[2]);
        // (batch, length, heads, size), so that heads join without a copy
        Tensor made = empty([q[0], q[2], q[1], q[3]], query.dtype);
        Tensor seen = made.transpose(1, 2);
        Tensor queries = WithDenseRows(query),
            keys = WithDenseRows(key),
            values = WithDenseRows(value);
        long[]? maskStrides = added?.stride();
        var task = new AttentionTask
        {
            Element = element,
            Query = (void*)DataPointer(queries),
            Key = (void*)DataPointer(keys),
            Value = (void*)DataPointer(values),
            Output = (void*)DataPointer(made),
            QueryStrides = StridesOf(queries.stride()),
            KeyStrides = StridesOf(keys.stride()),
            ValueStrides = StridesOf(values.stride()),
            OutputStrides = StridesOf(seen.stride()),
            Mask = added is null ? null : (float*)DataPointer(added),
            MaskStrides = maskStrides is null ? default : StridesOf(maskStrides),
            MaskColumn = maskStrides is null ? 0 : maskStrides[3],
            IsCausal = causal,
            Batch = q[0],
            Heads = q[1],
            Length = q[2],
            Keys = k[2],
            Size = q[3],
            Scale = (float)(scale ?? 1.0 / Math.Sqrt(q[3])),
        };
        bool done = NativeAttention.Run(task) || (LayerKernels.Widens(element) && AttentionKernel.Run(task));
        return done ? seen.MoveToOuterDisposeScope() : null;
    }

    // Booleans to what is added to the scores
    private static Tensor AddedMask(Tensor mask) =>
        mask.dtype == ScalarType.Bool
            ? zeros(mask.shape, ScalarType.Float32).masked_fill(mask.logical_not(), double.NegativeInfinity)
            : mask.to(ScalarType.Float32);

    private static Tensor WithDenseRows(Tensor heads) => heads.stride(3) == 1 || heads.shape[3] == 1 ? heads.alias() : heads.contiguous();

    private static AttentionStrides StridesOf(long[] strides) => new(strides[0], strides[1], strides[2]);

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
