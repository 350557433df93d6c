using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>
/// SiLU, GELU (by the error function) and GEGLU over dense memory. The output may be the input's own memory, except where noted.
/// </summary>
public static unsafe class ActivationKernel
{
    /// <summary>Whether this processor has the instructions, and may use them.</summary>
    public static bool IsSupported => Processor.HasAvx2;

    /// <summary>Computes output = input / (1 + e^-input), over <paramref name="count"/> numbers.</summary>
    public static void Silu(void* input, void* output, Element element, long count) =>
        Silu(input, output, element, count, Processor.Vectors);

    /// <summary>
    /// Computes output = input times the standard normal distribution function of it, over <paramref name="count"/> numbers.
    /// </summary>
    public static void Gelu(void* input, void* output, Element element, long count) =>
        Gelu(input, output, element, count, Processor.Vectors);

    /// <summary>
    /// Computes output (rows, size) = input[.., :size] * gelu(input[.., size:]), for input (rows, 2 * size). The output must not overlap
    /// the input.
    /// </summary>
    public static void Geglu(void* input, void* output, Element element, long rows, long size) =>
        Geglu(input, output, element, rows, size, Processor.Vectors);

    internal static void Silu(void* input, void* output, Element element, long count, InstructionSet set) =>
        Apply<Silu>((byte*)input, (byte*)output, element, count, set);

    internal static void Gelu(void* input, void* output, Element element, long count, InstructionSet set) =>
        Apply<Gelu>((byte*)input, (byte*)output, element, count, set);

    internal static void Geglu(void* input, void* output, Element element, long rows, long size, InstructionSet set)
    {
        byte* from = (byte*)input;
        byte* to = (byte*)output;
        switch (Processor.Require(set), element)
        {
            case (InstructionSet.Avx512, Element.BFloat16):
                ThreadTeam.ForRows(rows, size, (begin, end) =>
                    Geglu<BFloat16Numbers, Lanes512, Vector512<float>>(from, to, begin, end, size)
                );
                break;
            case (InstructionSet.Avx512, _):
                ThreadTeam.ForRows(rows, size, (begin, end) =>
                    Geglu<Float32Numbers, Lanes512, Vector512<float>>(from, to, begin, end, size)
                );
                break;
            case (_, Element.BFloat16):
                ThreadTeam.ForRows(rows, size, (begin, end) =>
                    Geglu<BFloat16Numbers, Lanes256, Vector256<float>>(from, to, begin, end, size)
                );
                break;
            default:
                ThreadTeam.ForRows(rows, size, (begin, end) =>
                    Geglu<Float32Numbers, Lanes256, Vector256<float>>(from, to, begin, end, size)
                );
                break;
        }
    }

    private static void Apply<TActivation>(byte* from, byte* to, Element element, long count, InstructionSet set)
        where TActivation : struct, IActivation
    {
        switch (Processor.Require(set), element)
        {
            case (InstructionSet.Avx512, Element.BFloat16):
                ThreadTeam.ForRows(count, 1, (begin, end) =>
                    Apply<TActivation, BFloat16Numbers, Lanes512, Vector512<float>>(from, to, begin, end)
                );
                break;
            case (InstructionSet.Avx512, _):
                ThreadTeam.ForRows(count, 1, (begin, end) =>
                    Apply<TActivation, Float32Numbers, Lanes512, Vector512<float>>(from, to, begin, end)
                );
                break;
            case (_, Element.BFloat16):
                ThreadTeam.ForRows(count, 1, (begin, end) =>
                    Apply<TActivation, BFloat16Numbers, Lanes256, Vector256<float>>(from, to, begin, end)
                );
                break;
            default:
                ThreadTeam.ForRows(count, 1, (begin, end) =>
                    Apply<TActivation, Float32Numbers, Lanes256, Vector256<float>>(from, to, begin, end)
                );
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TActivation, TNumbers, TLanes, TVector>(byte* from, byte* to, long begin, long end)
        where TActivation : struct, IActivation
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        long i = begin;
        for (; i + TLanes.Count <= end; i += TLanes.Count)
        {
            TVector x = TNumbers.Load<TLanes, TVector>(from + i * TNumbers.Size);
            TNumbers.Store<TLanes, TVector>(to + i * TNumbers.Size, TActivation.Apply<TLanes, TVector>(x));
        }

        if (i < end)
        {
            TVector x = PartialVector.Load<TNumbers, TLanes, TVector>(from + i * TNumbers.Size, end - i);
            PartialVector.Store<TNumbers, TLanes, TVector>(to + i * TNumbers.Size, TActivation.Apply<TLanes, TVector>(x), end - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Geglu<TNumbers, TLanes, TVector>(byte* from, byte* to, long begin, long end, long size)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (long row = begin; row < end; row++)
        {
            byte* value = from + row * 2 * size * TNumbers.Size;
            byte* gate = value + size * TNumbers.Size;
            byte* result = to + row * size * TNumbers.Size;
            long i = 0;
            for (; i + TLanes.Count <= size; i += TLanes.Count)
            {
                TVector factor = Pointwise.Gelu.Apply<TLanes, TVector>(TNumbers.Load<TLanes, TVector>(gate + i * TNumbers.Size));
                TVector x = TNumbers.Load<TLanes, TVector>(value + i * TNumbers.Size);
                TNumbers.Store<TLanes, TVector>(result + i * TNumbers.Size, TLanes.Multiply(x, factor));
            }

            if (i < size)
            {
                TVector g = PartialVector.Load<TNumbers, TLanes, TVector>(gate + i * TNumbers.Size, size - i);
                TVector x = PartialVector.Load<TNumbers, TLanes, TVector>(value + i * TNumbers.Size, size - i);
                TVector product = TLanes.Multiply(x, Pointwise.Gelu.Apply<TLanes, TVector>(g));
                PartialVector.Store<TNumbers, TLanes, TVector>(result + i * TNumbers.Size, product, size - i);
            }
        }
    }
}
