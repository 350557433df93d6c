using Generation.Kernels.Vectors;

namespace Generation.Kernels.Attention;

/// <summary>Applies attention masks: adds a mask to scores, and hides keys from queries.</summary>
internal static unsafe class AttentionMask
{
    private const float Log2E = 1.44269504088896341f;

    /// <summary>
    /// Adds the mask to scores (keys, width), which are in powers of two; scores beyond the causal limit become minus infinity.
    /// </summary>
    public static void Apply<TLanes, TVector>(
        in AttentionTask task,
        long head,
        long firstQuery,
        int width,
        long firstKey,
        long keys,
        float* scores
    )
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        if (task.Mask is not null)
        {
            float* mask =
                task.Mask
                + head / task.Heads * task.MaskStrides.Batch
                + head % task.Heads * task.MaskStrides.Head
                + firstQuery * task.MaskStrides.Row
                + firstKey * task.MaskColumn;
            long queries = Math.Min(width, task.Length - firstQuery);
            if (task.MaskStrides.Row == 0)
            {
                AddToAll<TLanes, TVector>(mask, task.MaskColumn, width, keys, scores);
            }
            else
            {
                for (long q = 0; q < queries; q++)
                {
                    for (long k = 0; k < keys; k++)
                    {
                        scores[k * width + q] += InPowersOfTwo(mask[q * task.MaskStrides.Row + k * task.MaskColumn]);
                    }
                }
            }
        }

        if (task.IsCausal)
        {
            HideLater<TLanes, TVector>(firstQuery, width, firstKey, keys, scores);
        }
    }

    private static void AddToAll<TLanes, TVector>(float* mask, long stride, int width, long keys, float* scores)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        for (long k = 0; k < keys; k++)
        {
            TVector added = TLanes.Create(InPowersOfTwo(mask[k * stride]));
            for (int column = 0; column < width; column += TLanes.Count)
            {
                float* score = scores + k * width + column;
                TLanes.Store(score, TLanes.Add(TLanes.Load(score), added));
            }
        }
    }

    private static void HideLater<TLanes, TVector>(long firstQuery, int width, long firstKey, long keys, float* scores)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector hidden = TLanes.Create(float.NegativeInfinity);
        for (int column = 0; column < width; column += TLanes.Count)
        {
            // how far a query is from the first key of the block
            TVector query = TLanes.Add(TLanes.Indices(), TLanes.Create(firstQuery - firstKey + column));
            for (long k = 0; k < keys; k++)
            {
                float* score = scores + k * width + column;
                TLanes.Store(score, TLanes.WhereLess(query, TLanes.Create(k), hidden, TLanes.Load(score)));
            }
        }
    }

    // the lowest finite numbers stay finite, so that a row of nothing else weighs all keys alike
    private static float InPowersOfTwo(float mask) => float.IsNegativeInfinity(mask) ? mask : Math.Max(mask, -2e38f) * Log2E;
}
