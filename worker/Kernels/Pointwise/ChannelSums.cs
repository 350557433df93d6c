using System.Runtime.CompilerServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>
/// Computes the sums of x - pivot, and of its squares, for each channel of a picture, where the pivot is the channel's first number. Up to
/// a thousand numbers are added in float32, and such sums in float64.
/// </summary>
internal static unsafe class ChannelSums
{
    private const int RowsAtATime = 8;

    /// <summary>Sums over <paramref name="rows"/> rows of a picture with its channels last, from row <paramref name="first"/> on.</summary>
    /// <param name="sums">Receives a sum per channel and, <paramref name="padded"/> numbers further on, the sums of squares.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfRows<TNumbers, TLanes, TVector>(byte* picture, long first, long rows, long channels, float* sums, long padded)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        Unsafe.InitBlockUnaligned(sums, 0, (uint)(2 * padded * sizeof(float)));
        long stride = channels * TNumbers.Size;
        byte* start = picture + first * stride;
        int lanes = TLanes.Count;
        long whole = channels / lanes * lanes;
        for (long r = 0; r < rows; r += RowsAtATime)
        {
            byte* row = start + r * stride;
            long several = Math.Min(RowsAtATime, rows - r);
            for (long c = 0; c < whole; c += lanes)
            {
                TVector pivot = TNumbers.Load<TLanes, TVector>(picture + c * TNumbers.Size);
                TVector sum = TLanes.Load(sums + c);
                TVector square = TLanes.Load(sums + padded + c);
                byte* from = row + c * TNumbers.Size;
                if (several == RowsAtATime)
                {
                    // two chains of sums, since each step waits for the one before
                    TVector a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from), pivot);
                    TVector b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + stride), pivot);
                    TVector part = TLanes.Add(a, b);
                    TVector parts = TLanes.MultiplyAdd(b, b, TLanes.Multiply(a, a));
                    a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 2 * stride), pivot);
                    b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 3 * stride), pivot);
                    sum = TLanes.Add(sum, TLanes.Add(a, b));
                    square = TLanes.MultiplyAdd(a, a, TLanes.MultiplyAdd(b, b, square));
                    a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 4 * stride), pivot);
                    b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 5 * stride), pivot);
                    part = TLanes.Add(part, TLanes.Add(a, b));
                    parts = TLanes.MultiplyAdd(a, a, TLanes.MultiplyAdd(b, b, parts));
                    a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 6 * stride), pivot);
                    b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + 7 * stride), pivot);
                    sum = TLanes.Add(TLanes.Add(sum, part), TLanes.Add(a, b));
                    square = TLanes.MultiplyAdd(a, a, TLanes.MultiplyAdd(b, b, TLanes.Add(square, parts)));
                }
                else
                {
                    for (long i = 0; i < several; i++)
                    {
                        TVector x = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + i * stride), pivot);
                        sum = TLanes.Add(sum, x);
                        square = TLanes.MultiplyAdd(x, x, square);
                    }
                }

                TLanes.Store(sums + c, sum);
                TLanes.Store(sums + padded + c, square);
            }

            for (long i = 0; whole < channels && i < several; i++)
            {
                long left = channels - whole;
                TVector pivot = PartialVector.Load<TNumbers, TLanes, TVector>(picture + whole * TNumbers.Size, left);
                TVector x = TLanes.Subtract(
                    PartialVector.Load<TNumbers, TLanes, TVector>(row + i * stride + whole * TNumbers.Size, left),
                    pivot
                );
                TLanes.Store(sums + whole, TLanes.Add(TLanes.Load(sums + whole), x));
                TLanes.Store(sums + padded + whole, TLanes.MultiplyAdd(x, x, TLanes.Load(sums + padded + whole)));
            }
        }
    }

    /// <summary>Sums over the <paramref name="count"/> numbers of one channel.</summary>
    /// <param name="sums">Receives the sum and, <paramref name="padded"/> numbers further on, the sum of squares.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfRun<TNumbers, TLanes, TVector>(byte* from, long count, float* sums, long padded)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int lanes = TLanes.Count;
        TVector pivot = TLanes.Create(TLanes.First(PartialVector.Load<TNumbers, TLanes, TVector>(from, 1)));
        double total = 0;
        double totalSquares = 0;
        long whole = count / lanes * lanes;
        for (long chunk = 0; chunk < whole; chunk += 512L * lanes)
        {
            long end = Math.Min(whole, chunk + 512L * lanes);
            TVector sum = TLanes.Create(0);
            TVector square = sum;
            TVector other = sum;
            TVector otherSquare = sum;
            long i = chunk;
            for (; i + 4 * lanes <= end; i += 4 * lanes)
            {
                TVector a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + i * TNumbers.Size), pivot);
                TVector b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + (i + lanes) * TNumbers.Size), pivot);
                sum = TLanes.Add(sum, TLanes.Add(a, b));
                square = TLanes.MultiplyAdd(a, a, TLanes.MultiplyAdd(b, b, square));
                a = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + (i + 2 * lanes) * TNumbers.Size), pivot);
                b = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + (i + 3 * lanes) * TNumbers.Size), pivot);
                other = TLanes.Add(other, TLanes.Add(a, b));
                otherSquare = TLanes.MultiplyAdd(a, a, TLanes.MultiplyAdd(b, b, otherSquare));
            }

            for (; i < end; i += lanes)
            {
                TVector x = TLanes.Subtract(TNumbers.Load<TLanes, TVector>(from + i * TNumbers.Size), pivot);
                sum = TLanes.Add(sum, x);
                square = TLanes.MultiplyAdd(x, x, square);
            }

            total += TLanes.Sum(TLanes.Add(sum, other));
            totalSquares += TLanes.Sum(TLanes.Add(square, otherSquare));
        }

        if (whole < count)
        {
            TVector x = TLanes.Subtract(PartialVector.Load<TNumbers, TLanes, TVector>(from + whole * TNumbers.Size, count - whole), pivot);
            x = TLanes.WhereLess(TLanes.Indices(), TLanes.Create(count - whole), x, TLanes.Create(0));
            total += TLanes.Sum(x);
            totalSquares += TLanes.Sum(TLanes.Multiply(x, x));
        }

        sums[0] = (float)total;
        sums[padded] = (float)totalSquares;
    }
}
