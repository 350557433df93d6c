namespace Generation.Kernels;

/// <summary>
/// A linear layer in bfloat16 whose weight is packed for products on AMX tiles. Sums are float32, and rounded once at the end; a row's
/// result depends neither on the other rows nor on the number of threads.
/// </summary>
public sealed unsafe class TileLinear : IDisposable
{
    private readonly NativeLayer _layer;

    private TileLinear(NativeLayer layer, bool gated, long bytes)
    {
        _layer = layer;
        IsGated = gated;
        Bytes = bytes;
    }

    /// <summary>Whether the weight is packed for <see cref="RunGated"/>, and not for <see cref="Run"/>.</summary>
    public bool IsGated { get; }

    /// <summary>The size of the packed weight in bytes.</summary>
    public long Bytes { get; }

    /// <param name="weight">(outputs, features) in bfloat16, dense; it is copied.</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="biasElement">The element type of the bias.</param>
    /// <param name="outputs">The number of rows of the weight.</param>
    /// <param name="features">The number of columns of the weight.</param>
    /// <param name="gated">Whether the second half of the outputs are gates of the first.</param>
    /// <returns>Null where the processor has no AMX tiles, or the layer's sizes do not fit them.</returns>
    public static TileLinear? TryPack(void* weight, void* bias, Element biasElement, long outputs, long features, bool gated = false) =>
        TryPack(weight, bias, biasElement, outputs, features, gated, NativeKernels.Instructions);

    /// <summary>Computes x weight^T + bias (+ added).</summary>
    /// <param name="x">(rows, features) in bfloat16, dense.</param>
    /// <param name="result">(rows, outputs), likewise.</param>
    /// <param name="added">(rows, outputs), or null; it may be <paramref name="result"/>.</param>
    /// <param name="rows">The number of rows of x.</param>
    public void Run(void* x, void* result, void* added, long rows)
    {
        if (IsGated)
        {
            throw new InvalidOperationException("the weight is packed for RunGated");
        }

        _layer.Run(x, result, added, 1, 1, rows);
    }

    /// <summary>Computes (x weight1^T + bias1) gelu(x weight2^T + bias2), where weight1 and weight2 are the halves of the weight.</summary>
    /// <param name="x">(rows, features) in bfloat16, dense.</param>
    /// <param name="result">(rows, outputs / 2), likewise.</param>
    /// <param name="rows">The number of rows of x.</param>
    public void RunGated(void* x, void* result, long rows)
    {
        if (!IsGated)
        {
            throw new InvalidOperationException("the weight is packed for Run");
        }

        _layer.Run(x, result, null, 1, 1, rows);
    }

    public void Dispose() => _layer.Dispose();

    internal static TileLinear? TryPack(
        void* weight,
        void* bias,
        Element biasElement,
        long outputs,
        long features,
        bool gated,
        InstructionSet instructions
    )
    {
        var shape = new NativeMethods.LayerShape(outputs, features, 1, gated ? 1 : 0);
        var layer = NativeLayer.TryPack(shape, weight, bias, biasElement, instructions);
        return layer is null ? null : new TileLinear(layer, gated, NativeLayer.BytesFor(shape, instructions));
    }
}
