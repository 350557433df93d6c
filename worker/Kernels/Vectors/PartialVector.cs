using System.Runtime.CompilerServices;

namespace Generation.Kernels.Vectors;

/// <summary>
/// Reads and writes the last numbers of a row, where they are fewer than a vector: nothing beyond them is read or written.
/// </summary>
internal static unsafe class PartialVector
{
    /// <summary>Loads the first <paramref name="count"/> numbers at <paramref name="from"/>, followed by zeros.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static TVector Load<TNumbers, TLanes, TVector>(byte* from, long count)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector copy = default;
        Unsafe.CopyBlockUnaligned(&copy, from, (uint)(count * TNumbers.Size));
        return TNumbers.Load<TLanes, TVector>((byte*)&copy);
    }

    /// <summary>Stores the first <paramref name="count"/> numbers of <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store<TNumbers, TLanes, TVector>(byte* to, TVector value, long count)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector copy;
        TNumbers.Store<TLanes, TVector>((byte*)&copy, value);
        Unsafe.CopyBlockUnaligned(to, &copy, (uint)(count * TNumbers.Size));
    }
}
