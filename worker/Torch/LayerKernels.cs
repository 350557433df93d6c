using Generation.Kernels;
using Generation.Kernels.Products;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>Chooses our own kernel for a layer, by the processor, the number type and the shape.</summary>
internal static unsafe class LayerKernels
{
    /// <param name="x">(rows, features), dense, of the weight's type.</param>
    /// <param name="result">(rows, outputs); gated: (rows, outputs / 2).</param>
    /// <param name="added">(rows, outputs), or null; it may be <paramref name="result"/>.</param>
    public delegate void Linear(void* x, void* result, void* added, long rows);

    /// <param name="x">(batch, height, width, channels), dense, of the weight's type.</param>
    /// <param name="result">(batch, height, width, outputs), of the result's size.</param>
    /// <param name="added">Has the result's shape, or is null; it may be <paramref name="result"/>.</param>
    public delegate void Convolution(void* x, void* result, void* added, int batch, int height, int width);

    // Pictures of few channels (a network's first and last layer) are faster in libtorch: ours fill vectors with channels
    private const int LeastChannels = 16;

    /// <summary>The element type that kernels have for a tensor's type; null for none.</summary>
    public static Element? ElementOf(Tensor tensor) =>
        tensor.dtype switch
        {
            ScalarType.Float32 => Element.Float32,
            ScalarType.BFloat16 => Element.BFloat16,
            _ => null,
        };

    /// <summary>
    /// Whether kernels that compute in float32 are faster than libtorch for this element type: always for float32, and for bfloat16 where
    /// the processor has no instructions for products of it.
    /// </summary>
    public static bool Widens(Element element) => element == Element.Float32 || !Processor.HasBFloat16Products;

    /// <param name="weight">(outputs, features).</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="gated">Whether the second half of the outputs are gates of the first.</param>
    /// <param name="replaces">Whether the weight itself is released once it is packed.</param>
    /// <returns>The kernel; null where libtorch computes the layer.</returns>
    public static LayerKernel<Linear>? OfLinear(Tensor weight, Tensor? bias, bool gated, bool replaces)
    {
        if (!Takes(weight, bias, out Element element, out Element biasElement))
        {
            return null;
        }

        int outputs = (int)weight.shape[0],
            features = (int)weight.shape[1];
        return LayerKernel<Linear>.Within(replaces ? 0 : weight.NumberOfElements * weight.ElementSize, () =>
        {
            using Tensor dense = weight.contiguous();
            using Tensor? biases = bias?.contiguous();
            void* numbers = (void*)TorchExtras.DataPointer(dense);
            void* offsets = biases is null ? null : (void*)TorchExtras.DataPointer(biases);
            if (element == Element.BFloat16 && TileLinear.TryPack(numbers, offsets, biasElement, outputs, features, gated) is { } tiles)
            {
                return (tiles, gated ? (x, result, _, rows) => tiles.RunGated(x, result, rows) : tiles.Run);
            }

            if (
                Widens(element)
                && PackedLinearKernel.TryPack(numbers, element, offsets, biasElement, outputs, features, gated) is { } vectors
            )
            {
                return (
                    vectors,
                    gated
                        ? (x, result, _, rows) => vectors.RunGated(x, result, element, rows)
                        : (x, result, added, rows) => vectors.Run(x, result, added, element, rows)
                );
            }

            return null;
        });
    }

    /// <param name="weight">(outputs, channels, height, width).</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="replaces">Whether the weight itself is released once it is packed.</param>
    /// <returns>The kernel; null where libtorch computes the layer.</returns>
    public static LayerKernel<Convolution>? OfConvolution(Tensor weight, Tensor? bias, long[] stride, long[] padding, bool replaces)
    {
        if (!Takes(weight, bias, out Element element, out Element biasElement) || stride[0] != stride[1] || padding[0] != padding[1])
        {
            return null;
        }

        long[] shape = weight.shape;
        int outputs = (int)shape[0],
            channels = (int)shape[1],
            height = (int)shape[2],
            width = (int)shape[3];
        if (element == Element.Float32 && Math.Min(outputs, channels) < LeastChannels)
        {
            return null;
        }

        bool keepsSize = stride[0] == 1 && height == width && padding[0] == height / 2 && height is 1 or 3;
        return LayerKernel<Convolution>.Within(replaces ? 0 : weight.NumberOfElements * weight.ElementSize, () =>
        {
            using Tensor dense = weight.contiguous();
            using Tensor? biases = bias?.contiguous();
            void* numbers = (void*)TorchExtras.DataPointer(dense);
            void* offsets = biases is null ? null : (void*)TorchExtras.DataPointer(biases);
            if (
                element == Element.BFloat16
                && keepsSize
                && TileConvolution.TryPack(numbers, offsets, biasElement, outputs, channels, height) is { } tiles
            )
            {
                return (tiles, (x, result, added, batch, lines, columns) => tiles.Run(x, result, added, batch, lines, columns));
            }

            if (
                Widens(element)
                && PackedConvolutionKernel.TryPack(
                    numbers,
                    element,
                    offsets,
                    biasElement,
                    outputs,
                    channels,
                    height,
                    width,
                    (int)stride[0],
                    (int)padding[0]
                )
                    is { } vectors
            )
            {
                return (vectors, (x, result, added, batch, lines, columns) =>
                    vectors.Run(x, result, added, element, batch, lines, columns)
                );
            }

            return null;
        });
    }

    private static bool Takes(Tensor weight, Tensor? bias, out Element element, out Element biasElement)
    {
        element = biasElement = Element.Float32;
        if (
            !Processor.KernelsAllowed
            || weight.device_type != TorchSharp.DeviceType.CPU
            || ElementOf(weight) is not { } own
            || (bias is not null && ElementOf(bias) is null)
        )
        {
            return false;
        }

        element = own;
        biasElement = bias is null ? own : ElementOf(bias)!.Value;
        return true;
    }
}
