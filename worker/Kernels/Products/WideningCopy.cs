using System.Runtime.CompilerServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>Copies numbers of any type into float32, in the blocks that products read.</summary>
internal static unsafe class WideningCopy
{
    /// <summary>Copies <paramref name="count"/> numbers, converted to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TNumbers, TLanes, TVector>(byte* from, float* to, int count)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int i = 0;
        for (; i <= count - (4 * TLanes.Count); i += 4 * TLanes.Count)
        {
            TVector a = TNumbers.Load<TLanes, TVector>(from + (i * TNumbers.Size));
            TVector b = TNumbers.Load<TLanes, TVector>(from + ((i + TLanes.Count) * TNumbers.Size));
            TVector c = TNumbers.Load<TLanes, TVector>(from + ((i + (2 * TLanes.Count)) * TNumbers.Size));
            TVector d = TNumbers.Load<TLanes, TVector>(from + ((i + (3 * TLanes.Count)) * TNumbers.Size));
            TLanes.Store(to + i, a);
            TLanes.Store(to + i + TLanes.Count, b);
            TLanes.Store(to + i + (2 * TLanes.Count), c);
            TLanes.Store(to + i + (3 * TLanes.Count), d);
        }

        for (; i <= count - TLanes.Count; i += TLanes.Count)
        {
            TLanes.Store(to + i, TNumbers.Load<TLanes, TVector>(from + (i * TNumbers.Size)));
        }

        if (i < count)
        {
            TVector last = PartialVector.Load<TNumbers, TLanes, TVector>(from + (i * TNumbers.Size), count - i);
            PartialVector.Store<Float32Numbers, TLanes, TVector>((byte*)(to + i), last, count - i);
        }
    }

    /// <summary>Writes zeros after the last of <paramref name="count"/> numbers, up to a multiple of <see cref="Depth.Step"/>.</summary>
    public static void Pad(float* numbers, int count)
    {
        for (int i = count; i < Depth.Padded(count); i++)
        {
            numbers[i] = 0;
        }
    }
}
