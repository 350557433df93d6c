using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>Layer norm: each row minus its mean, divided by its standard deviation.</summary>
public static unsafe class LayerNormKernel
{
    /// <summary>Whether this processor has the instructions, and may use them.</summary>
    public static bool IsSupported => Processor.HasAvx2;

    /// <summary>
    /// Computes output = (input - mean) / sqrt(variance + eps) * weight + bias, with the mean and variance of each of
    /// <paramref name="rows"/> rows of <paramref name="size"/> numbers.
    /// </summary>
    /// <param name="input">Dense rows of the type <paramref name="element"/>.</param>
    /// <param name="output">Rows like the input's, or the input itself.</param>
    /// <param name="weight"><paramref name="size"/> numbers of the type <paramref name="parameters"/>, or null for ones.</param>
    /// <param name="bias"><paramref name="size"/> numbers of the type <paramref name="parameters"/>, or null for zeros.</param>
    public static void Run(
        void* input,
        void* output,
        Element element,
        long rows,
        long size,
        void* weight,
        void* bias,
        Element parameters,
        double eps
    ) => Run(input, output, element, rows, size, weight, bias, parameters, eps, Processor.Vectors);

    internal static void Run(
        void* input,
        void* output,
        Element element,
        long rows,
        long size,
        void* weight,
        void* bias,
        Element parameters,
        double eps,
        InstructionSet set
    )
    {
        long padded = NativeArray.RoundUp(size);
        using var numbers = new NativeArray(2 * padded);
        float* gain = numbers.Numbers;
        Parameters.Widen(weight, parameters, size, 1, gain);
        Parameters.Widen(bias, parameters, size, 0, gain + padded);
        byte* from = (byte*)input;
        byte* to = (byte*)output;
        switch (Processor.Require(set), element)
        {
            case (InstructionSet.Avx512, Element.BFloat16):
                Share<BFloat16Numbers, Lanes512, Vector512<float>>(from, to, rows, size, gain, eps);
                break;
            case (InstructionSet.Avx512, _):
                Share<Float32Numbers, Lanes512, Vector512<float>>(from, to, rows, size, gain, eps);
                break;
            case (_, Element.BFloat16):
                Share<BFloat16Numbers, Lanes256, Vector256<float>>(from, to, rows, size, gain, eps);
                break;
            default:
                Share<Float32Numbers, Lanes256, Vector256<float>>(from, to, rows, size, gain, eps);
                break;
        }
    }

    private static void Share<TNumbers, TLanes, TVector>(byte* from, byte* to, long rows, long size, float* gain, double eps)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged =>
        ThreadTeam.ForRows(rows, size, (begin, end) => Run<TNumbers, TLanes, TVector>(from, to, begin, end, size, gain, eps));

    // Passes over a row that the first one brings into the nearest cache: no large sums are subtracted from each other. The biases stand
    // behind the gains, each filled up to whole vectors.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TNumbers, TLanes, TVector>(byte* from, byte* to, long begin, long end, long size, float* gain, double eps)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        float* offset = gain + NativeArray.RoundUp(size);
        int lanes = TLanes.Count;
        long whole = size / lanes * lanes;
        for (long row = begin; row < end; row++)
        {
            byte* x = from + row * size * TNumbers.Size;
            byte* y = to + row * size * TNumbers.Size;
            TVector last = TLanes.Create(0);
            if (whole < size)
            {
                last = PartialVector.Load<TNumbers, TLanes, TVector>(x + whole * TNumbers.Size, size - whole);
            }

            TVector sum = last;
            TVector other = TLanes.Create(0);
            long i = 0;
            for (; i + 2 * lanes <= whole; i += 2 * lanes)
            {
                sum = TLanes.Add(sum, TNumbers.Load<TLanes, TVector>(x + i * TNumbers.Size));
                other = TLanes.Add(other, TNumbers.Load<TLanes, TVector>(x + (i + lanes) * TNumbers.Size));
            }

            if (i < whole)
            {
                other = TLanes.Add(other, TNumbers.Load<TLanes, TVector>(x + i * TNumbers.Size));
            }

            TVector mean = TLanes.Create(TLanes.Sum(TLanes.Add(sum, other)) / size);
            TVector square = TLanes.Create(0);
            other = square;
            for (i = 0; i + 2 * lanes <= whole; i += 2 * lanes)
            {
                TVector a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(x + i * TNumbers.Size), mean);
                TVector b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(x + (i + lanes) * TNumbers.Size), mean);
                square = TLanes.MultiplyAdd(a, a, square);
                other = TLanes.MultiplyAdd(b, b, other);
            }

            if (i < whole)
            {
                TVector a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(x + i * TNumbers.Size), mean);
                square = TLanes.MultiplyAdd(a, a, square);
            }

            if (whole < size)
            {
                // places beyond the row hold no number
                TVector there = TLanes.Subtract(last, mean);
                there = TLanes.WhereLess(TLanes.Indices(), TLanes.Create(size - whole), there, TLanes.Create(0));
                other = TLanes.MultiplyAdd(there, there, other);
            }

            double variance = TLanes.Sum(TLanes.Add(square, other)) / (double)size;
            TVector inverse = TLanes.Create((float)(1 / Math.Sqrt(variance + eps)));
            for (i = 0; i < whole; i += lanes)
            {
                TVector normed = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(x + i * TNumbers.Size), mean);
                normed = TLanes.MultiplyAdd(TLanes.Multiply(normed, inverse), TLanes.Load(gain + i), TLanes.Load(offset + i));
                TNumbers.Store<TLanes, TVector>(y + i * TNumbers.Size, normed);
            }

            if (whole < size)
            {
                TVector normed = TLanes.Multiply(TLanes.Subtract(last, mean), inverse);
                TVector result = TLanes.MultiplyAdd(normed, TLanes.Load(gain + whole), TLanes.Load(offset + whole));
                PartialVector.Store<TNumbers, TLanes, TVector>(y + whole * TNumbers.Size, result, size - whole);
            }
        }
    }
}
