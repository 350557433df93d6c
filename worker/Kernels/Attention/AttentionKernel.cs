using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Attention;

/// <summary>
/// Attention in one pass over keys and values, by blocks of keys with running maxima and sums (online softmax; Milakov and Gimelshein,
/// 2018; Dao et al., 2022). Scores are transposed, with keys in rows and queries in vector lanes, so that maxima and sums need no
/// horizontal steps. A head's result does not depend on the others.
/// </summary>
public static unsafe class AttentionKernel
{
    // of the packed keys and values of the heads that are at work at once, which may be one only
    private const long PackedNumbers = (8 << 20) / sizeof(float);

    // below so many multiply-adds a second thread is not worth its start
    private const long OneThreadOperations = 1 << 21;

    private static readonly NativePool s_packs = new(largest: PackedNumbers * sizeof(float));

    /// <summary>Whether this processor has the instructions, and may use them.</summary>
    public static bool IsSupported => Processor.HasAvx2;

    /// <summary>Computes the task. False where it cannot be computed here, because there are no instructions for it or no keys.</summary>
    /// <remarks>The mask may be minus infinity: such keys are left out, and a query that has no key left gets zeros.</remarks>
    public static bool Run(in AttentionTask task) => Run(task, Processor.Vectors);

    internal static bool Run(in AttentionTask task, InstructionSet set)
    {
        if (task.Keys <= 0 || set == InstructionSet.Baseline)
        {
            return false;
        }

        if (task.Batch * task.Heads * task.Length * task.Size == 0)
        {
            return true;
        }

        switch (Processor.Require(set), task.Element)
        {
            case (InstructionSet.Avx512, Element.BFloat16):
                Run<Avx512AttentionTile, BFloat16Numbers, Lanes512, Vector512<float>>(task);
                break;
            case (InstructionSet.Avx512, _):
                Run<Avx512AttentionTile, Float32Numbers, Lanes512, Vector512<float>>(task);
                break;
            case (_, Element.BFloat16):
                Run<Avx2AttentionTile, BFloat16Numbers, Lanes256, Vector256<float>>(task);
                break;
            default:
                Run<Avx2AttentionTile, Float32Numbers, Lanes256, Vector256<float>>(task);
                break;
        }

        return true;
    }

    private static void Run<TTile, TNumbers, TLanes, TVector>(AttentionTask task)
        where TTile : struct, IAttentionTile
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var plan = new AttentionPlan(task, TTile.Rows, TTile.Queries);
        long heads = task.Batch * task.Heads;
        long together = Math.Clamp(PackedNumbers / plan.HeadNumbers, 1, heads);
        bool oneThread = heads * task.Length * task.Keys * task.Size < OneThreadOperations;
        using NativePool.Piece packed = s_packs.Take(together * plan.HeadNumbers);
        float* memory = packed.Numbers;
        for (long first = 0; first < heads; first += together)
        {
            long firstHead = first;
            long count = Math.Min(together, heads - first);
            Share(count * plan.PackPieces, oneThread, piece =>
            {
                long head = piece / plan.PackPieces;
                AttentionPacking.Run<TTile, TNumbers>(
                    task,
                    plan,
                    firstHead + head,
                    piece % plan.PackPieces,
                    memory + head * plan.HeadNumbers
                );
            });
            Share(count * plan.RunPieces, oneThread, piece =>
            {
                long head = piece / plan.RunPieces;
                AttentionBlocks.Run<TTile, TNumbers, TLanes, TVector>(
                    task,
                    plan,
                    firstHead + head,
                    piece % plan.RunPieces,
                    memory + head * plan.HeadNumbers
                );
            });
        }
    }

    private static void Share(long pieces, bool oneThread, Action<long> body)
    {
        if (!oneThread)
        {
            ThreadTeam.For(pieces, body);
            return;
        }

        for (long i = 0; i < pieces; i++)
        {
            body(i);
        }
    }
}
