using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Attention;

/// <summary>
/// Writes a head's keys and values as float32 in the order in which tiles read them. Keys are (size, rows) for each tile's rows, values
/// (keys, rows) for each tile's rows of the head's size. Zeros fill the last tile.
/// </summary>
internal static unsafe class AttentionPacking
{
    public static void Run<TTile, TNumbers>(in AttentionTask task, AttentionPlan plan, long head, long piece, float* packed)
        where TTile : struct, IAttentionTile
        where TNumbers : struct, INumbers
    {
        long first = piece * plan.PackKeys;
        long last = Math.Min(task.Keys, first + plan.PackKeys);
        byte* keys = Row<TNumbers>(task.Key, task.KeyStrides, task.Heads, head, 0);
        long keyBytes = task.KeyStrides.Row * TNumbers.Size;
        for (long k = first; k < last; k += TTile.Rows)
        {
            long rows = Math.Min(TTile.Rows, last - k);
            BlockTranspose.WriteTransposed<TNumbers>(
                keys + k * keyBytes,
                keyBytes,
                rows,
                TTile.Rows,
                task.Size,
                factor: 1,
                packed + k * task.Size,
                TTile.Rows
            );
        }

        byte* values = Row<TNumbers>(task.Value, task.ValueStrides, task.Heads, head, 0);
        long valueBytes = task.ValueStrides.Row * TNumbers.Size;
        CopyValues<TTile, TNumbers>(values, valueBytes, first, last, task.Size, packed + plan.ValuesOffset, task.Keys);
    }

    /// <summary>The address of a head's row; heads are counted over the batch.</summary>
    public static byte* Row<TNumbers>(void* data, AttentionStrides strides, long heads, long head, long row)
        where TNumbers : struct, INumbers =>
        (byte*)data + (head / heads * strides.Batch + head % heads * strides.Head + row * strides.Row) * TNumbers.Size;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyValues<TTile, TNumbers>(byte* from, long rowBytes, long first, long last, long size, float* to, long keys)
        where TTile : struct, IAttentionTile
        where TNumbers : struct, INumbers
    {
        int rows = TTile.Rows;
        long whole = size / rows * rows;
        for (long k = first; k < last; k++)
        {
            byte* row = from + k * rowBytes;
            float* place = to + k * rows;
            for (long d = 0; d < whole; d += rows)
            {
                for (int i = 0; i < rows; i += 4)
                {
                    Sse.Store(place + d * keys + i, BlockTranspose.Load<TNumbers>(row + (d + i) * TNumbers.Size));
                }
            }

            for (long d = whole; whole < size && d < whole + rows; d++)
            {
                place[whole * keys + d - whole] = d < size ? BlockTranspose.LoadOne<TNumbers>(row + d * TNumbers.Size) : 0;
            }
        }
    }
}
