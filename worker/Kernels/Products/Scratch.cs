using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Generation.Kernels.Products;

/// <summary>Memory of one thread for one piece of a product. It is kept for the next: there are as many as threads have run at once.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    /// <summary>Numbers of a block of the first matrix.</summary>
    public const int RowsLength = 196 * Depth.Stride;

    /// <summary>Numbers of the sums that a piece keeps from one block of the depth to the next.</summary>
    public const int SumsLength = 196 * 320;

    private const int PanelLength = Depth.Largest * 32;

    private const int ZerosLength = 14 * 32;

    private static readonly ConcurrentBag<Scratch> s_free = [];

    private readonly float* _memory;

    private Scratch()
    {
        nuint bytes = (RowsLength + SumsLength + PanelLength + ZerosLength) * sizeof(float);
        _memory = (float*)NativeMemory.AlignedAlloc(bytes, 4096);
        NativeMemory.Clear(_memory, bytes);
    }

    /// <summary>A block of the first matrix.</summary>
    public float* Rows => _memory;

    public float* Sums => _memory + RowsLength;

    /// <summary>A widened block of a panel of the second matrix.</summary>
    public float* Panel => _memory + RowsLength + SumsLength;

    /// <summary>A tile of zeros.</summary>
    public float* Zeros => _memory + RowsLength + SumsLength + PanelLength;

    public static Scratch Take() => s_free.TryTake(out Scratch? scratch) ? scratch : new Scratch();

    /// <summary>Gives the memory to whoever takes some next.</summary>
    public void Dispose() => s_free.Add(this);
}
