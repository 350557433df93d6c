using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>Scratch memory of one thread for one piece of a product. It is reused: as many are kept as threads have run at once.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private const int Alignment = 64;

    private static readonly ConcurrentBag<Scratch> s_free = [];

    private readonly float*[] _parts = new float*[8];
    private NativeBuffer _buffer = new(Alignment);
    private long _bytes;

    private Scratch() { }

    /// <summary>One of the requested parts, which begins at a cache line.</summary>
    public float* this[int part] => _parts[part];

    /// <param name="lengths">The number of float32 numbers of each part.</param>
    public static Scratch Take(params ReadOnlySpan<int> lengths)
    {
        Scratch scratch = s_free.TryTake(out Scratch? free) ? free : new Scratch();
        long bytes = 0;
        foreach (int length in lengths)
        {
            bytes += Rounded(length);
        }

        if (bytes > scratch._bytes)
        {
            scratch._buffer.Dispose();
            scratch._buffer = new NativeBuffer((nint)bytes);
            scratch._bytes = bytes;
        }

        byte* part = scratch._buffer.Data;
        for (int i = 0; i < lengths.Length; i++)
        {
            scratch._parts[i] = (float*)part;
            part += Rounded(lengths[i]);
        }

        return scratch;
    }

    /// <summary>Makes the memory available for the next piece.</summary>
    public void Dispose() => s_free.Add(this);

    private static long Rounded(int length) => ((length * (long)sizeof(float)) + Alignment - 1) / Alignment * Alignment;
}

/// <summary>Memory outside of the managed heap that begins at a multiple of 64 bytes.</summary>
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
