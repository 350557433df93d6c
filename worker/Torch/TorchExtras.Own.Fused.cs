using Generation.Torch.Interop;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>The fused forms of the extras, in native/.</summary>
public static unsafe partial class TorchExtras
{
    /// <summary>
    /// What computes attention for a type on this machine's CPU: libtorch, amx_bf16, avx512_bf16, avx512, avx2, or none (a library's
    /// matrix products by slices). The environment variable GENERATION_ATTENTION names one to use alone, or none; GENERATION_MAX_ISA
    /// (baseline, avx2, avx512, avx512_bf16, amx_bf16) bounds the instructions of all kernels.
    /// </summary>
    public static string AttentionKernel(ScalarType dtype) =>
        Native.gt_has_fused_attention() != 0 ? "libtorch" : Native.Text(Native.gt_attention_kernel((int)dtype));

    static partial void FusedAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale, ref Tensor? result)
    {
        nint added = Tensor.HandleOf(mask);
        if (Native.gt_has_fused_attention() != 0)
        {
            result = Tensor.Wrap(
                Native.gt_fused_attention(query.Handle, key.Handle, value.Handle, added, causal ? 1 : 0, scale ?? -1), query, key, value, mask);
        }
        else if (Native.gt_can_fuse_attention(query.Handle, key.Handle, value.Handle, added) != 0)
        {
            result = Tensor.Wrap(
                Native.gt_own_attention(query.Handle, key.Handle, value.Handle, added, causal ? 1 : 0, scale ?? -1), query, key, value, mask);
        }
    }

    static partial void FusedGroupNorm(Tensor input, long groups, Tensor? weight, Tensor? bias, double eps, bool silu, Tensor? added, ref Tensor? result)
    {
        if (Native.gt_can_fuse(input.Handle) != 0)
        {
            result = Tensor.Wrap(
                Native.gt_fused_group_norm(
                    input.Handle, groups, Tensor.HandleOf(weight), Tensor.HandleOf(bias), eps, silu ? 1 : 0, Tensor.HandleOf(added)),
                input,
                weight,
                bias,
                added);
        }
    }

    static partial void FusedGeglu(Tensor input, ref Tensor? result)
    {
        if (Native.gt_can_fuse(input.Handle) != 0)
        {
            result = Tensor.Wrap(Native.gt_geglu(input.Handle), input);
        }
    }
}
