using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>Memory outside of the managed heap, which begins at a multiple of 64 bytes.</summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    public NativeBuffer(nint bytes)
        : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.AlignedAlloc((nuint)bytes, 64));

    public override bool IsInvalid => handle == 0;

    public byte* Data => (byte*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
