using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]

namespace Generation.Torch.Interop;

/// <summary>The C functions of libgeneration_torch, one file per file in native/.</summary>
internal static unsafe partial class Native
{
    private const string Library = "generation_torch";

    /// <summary>Throws the error of this thread's last call.</summary>
    internal static void Throw() => throw new TorchException(Text(gt_last_error()) is { Length: > 0 } message ? message : "libtorch failed without a message");

    internal static string Text(byte* text) => System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)text) ?? "";
}
