using System.Runtime.CompilerServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>Computes y = activation(x * scale + shift), with a scale and a shift for each channel.</summary>
internal static unsafe class ChannelScale
{
    /// <summary>Computes it over rows of channels. Scale and shift must be readable up to a whole vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows<TActivation, TNumbers, TLanes, TVector>(
        byte* from,
        byte* to,
        long rows,
        long channels,
        float* scale,
        float* shift
    )
        where TActivation : struct, IActivation
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int lanes = TLanes.Count;
        for (long r = 0; r < rows; r++)
        {
            byte* x = from + r * channels * TNumbers.Size;
            byte* y = to + r * channels * TNumbers.Size;
            long c = 0;
            for (; c + lanes <= channels; c += lanes)
            {
                TVector value = TNumbers.Load<TLanes, TVector>(x + c * TNumbers.Size);
                value = TLanes.MultiplyAdd(value, TLanes.Load(scale + c), TLanes.Load(shift + c));
                TNumbers.Store<TLanes, TVector>(y + c * TNumbers.Size, TActivation.Apply<TLanes, TVector>(value));
            }

            if (c < channels)
            {
                TVector value = PartialVector.Load<TNumbers, TLanes, TVector>(x + c * TNumbers.Size, channels - c);
                value = TLanes.MultiplyAdd(value, TLanes.Load(scale + c), TLanes.Load(shift + c));
                PartialVector.Store<TNumbers, TLanes, TVector>(
                    y + c * TNumbers.Size,
                    TActivation.Apply<TLanes, TVector>(value),
                    channels - c
                );
            }
        }
    }

    /// <summary>Computes it over the <paramref name="count"/> numbers of one channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TActivation, TNumbers, TLanes, TVector>(byte* from, byte* to, long count, float scale, float shift)
        where TActivation : struct, IActivation
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int lanes = TLanes.Count;
        TVector factor = TLanes.Create(scale);
        TVector offset = TLanes.Create(shift);
        long i = 0;
        for (; i + lanes <= count; i += lanes)
        {
            TVector value = TLanes.MultiplyAdd(TNumbers.Load<TLanes, TVector>(from + i * TNumbers.Size), factor, offset);
            TNumbers.Store<TLanes, TVector>(to + i * TNumbers.Size, TActivation.Apply<TLanes, TVector>(value));
        }

        if (i < count)
        {
            TVector value = PartialVector.Load<TNumbers, TLanes, TVector>(from + i * TNumbers.Size, count - i);
            value = TLanes.MultiplyAdd(value, factor, offset);
            PartialVector.Store<TNumbers, TLanes, TVector>(to + i * TNumbers.Size, TActivation.Apply<TLanes, TVector>(value), count - i);
        }
    }
}
