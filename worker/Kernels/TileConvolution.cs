namespace Generation.Kernels;

/// <summary>
/// A convolution in bfloat16 of stride 1 that keeps height and width, over 3x3 or 1x1 pixels, whose weight is packed for products on AMX
/// tiles. Sums are float32, and rounded once at the end; a picture's result depends neither on the others nor on the number of threads.
/// </summary>
public sealed unsafe class TileConvolution : IDisposable
{
    private readonly NativeLayer _layer;

    private TileConvolution(NativeLayer layer, long bytes)
    {
        _layer = layer;
        Bytes = bytes;
    }

    /// <summary>The size of the packed weight in bytes.</summary>
    public long Bytes { get; }

    /// <param name="weight">(outputs, channels, side, side) in bfloat16, dense; it is copied.</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="biasElement">The element type of the bias.</param>
    /// <param name="outputs">The number of channels of the result.</param>
    /// <param name="channels">The number of channels of the input.</param>
    /// <param name="side">The side of the window: 3, with a border of one pixel of zeros, or 1.</param>
    /// <returns>Null where the processor has no AMX tiles, or the layer's sizes do not fit them.</returns>
    public static TileConvolution? TryPack(void* weight, void* bias, Element biasElement, long outputs, long channels, long side) =>
        TryPack(weight, bias, biasElement, outputs, channels, side, NativeKernels.Instructions);

    /// <summary>Computes the convolution of x with the weight, + bias (+ added).</summary>
    /// <param name="x">(batch, height, width, channels) in bfloat16, dense.</param>
    /// <param name="result">(batch, height, width, outputs), likewise.</param>
    /// <param name="added">(batch, height, width, outputs), or null; it may be <paramref name="result"/>.</param>
    /// <param name="batch">The number of pictures.</param>
    /// <param name="height">The height of a picture in pixels.</param>
    /// <param name="width">The width of a picture in pixels.</param>
    public void Run(void* x, void* result, void* added, long batch, long height, long width) =>
        _layer.Run(x, result, added, batch, height, width);

    public void Dispose() => _layer.Dispose();

    internal static TileConvolution? TryPack(
        void* weight,
        void* bias,
        Element biasElement,
        long outputs,
        long channels,
        long side,
        InstructionSet instructions
    )
    {
        var shape = new NativeMethods.LayerShape(outputs, channels, side, 0);
        var layer = NativeLayer.TryPack(shape, weight, bias, biasElement, instructions);
        return layer is null ? null : new TileConvolution(layer, NativeLayer.BytesFor(shape, instructions));
    }
}
