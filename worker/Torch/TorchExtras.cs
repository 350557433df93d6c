using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch;

/// <summary>
/// What TorchSharp does not have. Each extra is written in TorchSharp's own operations too, so that it works under either
/// binding; under our own, the partial methods beside it put a faster form in its place.
/// </summary>
public static partial class TorchExtras
{
    /// <summary>
    /// softmax(query key^T * scale + mask) value. query (.., heads, length, size), key and value (.., heads, keys, size).
    /// mask: booleans (true attends) or numbers that are added, broadcast to (.., heads, length, keys); scale: null for
    /// one over the square root of the head size. Vaswani et al., 2017.
    /// </summary>
    public static Tensor scaled_dot_product_attention(
        Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, bool is_causal = false, double? scale = null)
    {
        Tensor? fused = null;
        FusedAttention(query, key, value, attn_mask, is_causal, scale, ref fused);
        return fused ?? ComposedAttention(query, key, value, attn_mask, is_causal, scale);
    }

    /// <summary>silu(group_norm(input)): input (batch, channels, ..).</summary>
    public static Tensor group_norm_silu(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
        group_norm(input, num_groups, weight, bias, eps, silu: true);

    /// <summary>
    /// Group norm (Wu and He, 2018) of input + added, then SiLU if asked, in two passes over memory; sums are at least float32.
    /// input (batch, channels, ..), added (batch, channels) or with further dimensions of size 1.
    /// </summary>
    public static Tensor group_norm(
        Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5, bool silu = false, Tensor? added = null)
    {
        Tensor? fused = null;
        FusedGroupNorm(input, num_groups, weight, bias, eps, silu, added, ref fused);
        if (fused is not null)
        {
            return fused;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor x = input;
        if (added is not null)
        {
            var shape = new long[input.ndim];
            Array.Fill(shape, 1);
            shape[0] = input.shape[0];
            shape[1] = input.shape[1];
            x = x + added.reshape(shape);
        }

        // libtorch 1.13 sums bfloat16 in bfloat16, so the norm is taken in float32
        ScalarType wide = input.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor normed = F.group_norm(x.to_type(wide), num_groups, weight?.to_type(wide), bias?.to_type(wide), eps);
        return (silu ? F.silu(normed) : normed).to_type(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The first half of the last dimension times gelu of the second. Shazeer, 2020.</summary>
    public static Tensor geglu(Tensor input)
    {
        Tensor? fused = null;
        FusedGeglu(input, ref fused);
        if (fused is not null)
        {
            return fused;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor[] halves = input.chunk(2, -1);
        return (halves[0] * halves[1].gelu()).MoveToOuterDisposeScope();
    }

    /// <summary>The tensor with its channels last in memory; the same tensor's view where they are already.</summary>
    public static Tensor channels_last(Tensor input)
    {
        Tensor? made = null;
        OwnChannelsLast(input, ref made);
        if (made is not null)
        {
            return made;
        }

        using DisposeScope scope = NewDisposeScope();
        return input.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Attention as three operations: what the fused forms must equal.</summary>
    public static Tensor ComposedAttention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, bool is_causal = false, double? scale = null)
    {
        using DisposeScope scope = NewDisposeScope();
        double factor = scale ?? 1.0 / Math.Sqrt(query.shape[^1]);
        Tensor scores = (query * factor).matmul(key.transpose(-2, -1));
        if (is_causal)
        {
            Tensor later = ones([scores.shape[^2], scores.shape[^1]], ScalarType.Bool, scores.device).triu(1);
            scores = scores.masked_fill(later, double.NegativeInfinity);
        }

        if (attn_mask is not null)
        {
            scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores + attn_mask;
        }

        return scores.softmax(-1).matmul(value).MoveToOuterDisposeScope();
    }

    static partial void FusedAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale, ref Tensor? result);

    static partial void FusedGroupNorm(Tensor input, long groups, Tensor? weight, Tensor? bias, double eps, bool silu, Tensor? added, ref Tensor? result);

    static partial void FusedGeglu(Tensor input, ref Tensor? result);

    static partial void OwnChannelsLast(Tensor input, ref Tensor? result);
}
