using System.Runtime.CompilerServices;
using Generation.Kernels.Pointwise;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Attention;

/// <summary>Computes attention for some blocks of a head's queries, over all of its packed keys and values.</summary>
internal static unsafe class AttentionBlocks
{
    private const float Log2E = 1.44269504088896341f;

    // rows of the queries that one product goes through, so that they stay in the nearest cache beside the scores
    private const long DepthAtATime = 128;

    private static readonly NativePool s_scratch = new(largest: 4 << 20);

    public static void Run<TTile, TNumbers, TLanes, TVector>(
        in AttentionTask task,
        AttentionPlan plan,
        long head,
        long piece,
        float* packed
    )
        where TTile : struct, IAttentionTile
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int width = TTile.Queries;
        long blockNumbers = (task.Size + plan.PaddedSize + 2) * width;
        long firstBlock = piece * plan.BlocksAPiece;
        long blocks = Math.Min(plan.BlocksAPiece, plan.QueryBlocks - firstBlock);
        using NativePool.Piece scratch = s_scratch.Take(plan.KeyBlock * width + plan.BlocksAPiece * blockNumbers);
        float* scores = scratch.Numbers;
        float* states = scores + plan.KeyBlock * width;

        // of each block: the largest score and the sum of weights so far of each query, the queries, the sums of weighted values
        for (long block = 0; block < blocks; block++)
        {
            float* top = states + block * blockNumbers;
            new Span<float>(top, width).Fill(-float.MaxValue);
            new Span<float>(top + width, width).Clear();
            long first = (firstBlock + block) * width;
            byte* queries = AttentionPacking.Row<TNumbers>(task.Query, task.QueryStrides, task.Heads, head, first);
            BlockTranspose.WriteTransposed<TNumbers>(
                queries,
                task.QueryStrides.Row * TNumbers.Size,
                task.Length - first,
                width,
                task.Size,
                task.Scale * Log2E,
                top + 2 * width,
                width
            );
        }

        for (long key = 0; key < task.Keys; key += plan.KeyBlock)
        {
            long keys = Math.Min(plan.KeyBlock, task.Keys - key);
            for (long block = 0; block < blocks; block++)
            {
                long first = (firstBlock + block) * width;
                if (task.IsCausal && key >= first + width)
                {
                    continue;
                }

                float* top = states + block * blockNumbers;
                float* queries = top + 2 * width;
                Score<TTile>(packed + key * task.Size, keys, task.Size, queries, scores);
                if (task.Mask is not null || (task.IsCausal && key + keys > first + 1))
                {
                    AttentionMask.Apply<TLanes, TVector>(task, head, first, width, key, keys, scores);
                }

                float* sums = queries + task.Size * width;
                Weigh<TLanes, TVector>(scores, keys, width, top, sums, key == 0 ? 0 : plan.PaddedSize);
                for (long d = 0; d < task.Size; d += TTile.Rows)
                {
                    TTile.Multiply(packed + plan.ValuesOffset + d * task.Keys + key * TTile.Rows, keys, scores, sums + d * width, key != 0);
                }
            }
        }

        for (long block = 0; block < blocks; block++)
        {
            float* top = states + block * blockNumbers;
            float* total = top + width;
            for (int i = 0; i < width; i++)
            {
                // nothing was there to be seen: the result is 0
                total[i] = total[i] == 0 ? 0 : 1 / total[i];
            }

            long first = (firstBlock + block) * width;
            byte* output = AttentionPacking.Row<TNumbers>(task.Output, task.OutputStrides, task.Heads, head, first);
            BlockTranspose.ReadTransposed<TNumbers>(
                top + (2 + task.Size) * width,
                width,
                total,
                output,
                task.OutputStrides.Row * TNumbers.Size,
                Math.Min(width, task.Length - first),
                task.Size
            );
        }
    }

    private static void Score<TTile>(float* keys, long count, long size, float* queries, float* scores)
        where TTile : struct, IAttentionTile
    {
        for (long d = 0; d < size; d += DepthAtATime)
        {
            long depth = Math.Min(DepthAtATime, size - d);
            for (long k = 0; k < count; k += TTile.Rows)
            {
                TTile.Multiply(keys + k * size + d * TTile.Rows, depth, queries + d * TTile.Queries, scores + k * TTile.Queries, d != 0);
            }
        }
    }

    /// <summary>
    /// Turns scores (keys, width) into weights 2^(score - top), where top is each query's largest score so far, and adds them to the
    /// query's total. Where the largest score has grown, the total and the sums so far (rows, width) are scaled down accordingly.
    /// </summary>
    /// <param name="tops">The largest scores, followed by the totals.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh<TLanes, TVector>(float* scores, long keys, int width, float* tops, float* sums, long rows)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (int column = 0; column < width; column += TLanes.Count)
        {
            float* score = scores + column;
            float* end = score + keys * width;
            TVector before = TLanes.Load(tops + column);
            TVector top = before;
            TVector second = before;
            TVector third = before;
            TVector fourth = before;
            float* at = score;
            for (; at + 3 * width < end; at += 4 * width)
            {
                top = TLanes.Max(top, TLanes.Load(at));
                second = TLanes.Max(second, TLanes.Load(at + width));
                third = TLanes.Max(third, TLanes.Load(at + 2 * width));
                fourth = TLanes.Max(fourth, TLanes.Load(at + 3 * width));
            }

            for (; at < end; at += width)
            {
                top = TLanes.Max(top, TLanes.Load(at));
            }

            top = TLanes.Max(TLanes.Max(top, second), TLanes.Max(third, fourth));
            TVector sum = TLanes.Create(0);
            for (at = score; at < end; at += width)
            {
                TVector weight = Power<TLanes, TVector>(TLanes.Subtract(TLanes.Load(at), top));
                sum = TLanes.Add(sum, weight);
                TLanes.Store(at, weight);
            }

            TVector shrink = Power<TLanes, TVector>(TLanes.Subtract(before, top));
            float* totals = tops + width + column;
            TLanes.Store(totals, TLanes.MultiplyAdd(TLanes.Load(totals), shrink, sum));
            TLanes.Store(tops + column, top);
            if (rows > 0 && TLanes.AnyDiffers(before, top))
            {
                for (long row = 0; row < rows; row++)
                {
                    float* place = sums + row * width + column;
                    TLanes.Store(place, TLanes.Multiply(TLanes.Load(place), shrink));
                }
            }
        }
    }

    /// <summary>2^x for x up to 0; it is 0 from -127 down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Power<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // at -127 the exponent's bits become all 0, and so do those of the fraction
        TVector cut = TLanes.Max(TLanes.Create(-127), x);
        TVector shifted = TLanes.Add(cut, TLanes.Create(Exponential.Rounding));
        TVector whole = TLanes.Subtract(shifted, TLanes.Create(Exponential.Rounding));
        return Exponential.PowerOfTwo<TLanes, TVector>(TLanes.Subtract(cut, whole), shifted);
    }
}
