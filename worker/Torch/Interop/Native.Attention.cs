using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/attention.cpp: fused attention.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern int gt_can_fuse_attention(nint query, nint key, nint value, nint mask);

    [DllImport(Library)]
    internal static extern nint gt_own_attention(nint query, nint key, nint value, nint mask, int causal, double scale);

    [DllImport(Library)]
    internal static extern byte* gt_attention_kernel(int dtype);
}
