namespace Generation.Kernels;

/// <summary>
/// Attention in bfloat16 by AMX or AVX512_BF16, with float32 sums and maxima. A head's result does not depend on the others.
/// </summary>
public static class NativeAttention
{
    /// <summary>
    /// Computes the task. False where it cannot be computed faster here: for another element type, without the instructions, or without
    /// keys.
    /// </summary>
    /// <exception cref="OutOfMemoryException">There is no memory for the packed keys and values of one batch entry.</exception>
    public static bool Run(in AttentionTask task) => NativeKernels.IsAvailable && Run(task, NativeKernels.Instructions);

    internal static unsafe bool Run(in AttentionTask task, InstructionSet instructions)
    {
        if (task.Element != Element.BFloat16 || instructions > NativeKernels.Instructions || instructions < InstructionSet.Avx512Bf16)
        {
            return false;
        }

        var given = new NativeMethods.Attention
        {
            Query = task.Query,
            Key = task.Key,
            Value = task.Value,
            Output = task.Output,
            QueryStrides = task.QueryStrides,
            KeyStrides = task.KeyStrides,
            ValueStrides = task.ValueStrides,
            OutputStrides = task.OutputStrides,
            Mask = task.Mask,
            MaskStrides = task.MaskStrides,
            MaskColumn = task.MaskColumn,
            Batch = task.Batch,
            Heads = task.Heads,
            Length = task.Length,
            Keys = task.Keys,
            Size = task.Size,
            Scale = task.Scale,
            IsCausal = task.IsCausal ? 1 : 0,
        };
        NativeMethods.Result result = NativeMethods.gk_attention_run(given, NativeMethods.Team.Whole, instructions);
        if (result == NativeMethods.Result.NoMemory)
        {
            NoMemory.Throw("the packed keys and values of attention");
        }

        return result == NativeMethods.Result.Done;
    }
}
