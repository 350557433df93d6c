using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// A convolution of pictures (batch, height, width, channels) with its weight packed into the order in which products read it, for
/// processors with AVX2 or more. Sums are float32 whatever the element type, and a picture's result depends neither on the other pictures
/// nor on the number of threads.
/// </summary>
public sealed unsafe class PackedConvolutionKernel : IDisposable
{
    private readonly PackedMatrix _matrix;
    private readonly int _channels;
    private readonly Window _window;

    private PackedConvolutionKernel(PackedMatrix matrix, int channels, Window window)
    {
        _matrix = matrix;
        _channels = channels;
        _window = window;
    }

    /// <summary>The size of the packed weight and bias in bytes.</summary>
    public long Bytes => _matrix.Bytes;

    /// <param name="weight">(outputs, channels, height, width), dense; it is copied in its own type.</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="stride">The distance from one position of the window to the next, in pixels, down and to the right.</param>
    /// <param name="padding">The number of zeros on each side of a picture.</param>
    /// <returns>Null where the processor has no AVX2.</returns>
    public static PackedConvolutionKernel? TryPack(
        void* weight,
        Element element,
        void* bias,
        Element biasElement,
        int outputs,
        int channels,
        int height,
        int width,
        int stride,
        int padding
    ) =>
        Processor.HasAvx2
            ? Pack(Processor.Vectors, weight, element, bias, biasElement, outputs, channels, height, width, stride, padding)
            : null;

    /// <summary>Computes result = the convolution of x (batch, height, width, channels) + bias + added.</summary>
    /// <param name="element">The element type of x, result and added.</param>
    /// <param name="added">Has the result's shape, or is null; it may be <paramref name="result"/>.</param>
    /// <param name="height">The height of a picture of <paramref name="x"/>.</param>
    /// <param name="width">The width of a picture of <paramref name="x"/>.</param>
    public void Run(void* x, void* result, void* added, Element element, int batch, int height, int width) =>
        Run(
            x,
            result,
            added,
            element,
            batch,
            height,
            width,
            winograd: WinogradConvolution.Suits(_window, _channels, _matrix.Results, height, width)
        );

    public void Dispose() => _matrix.Dispose();

    internal static PackedConvolutionKernel Pack(
        InstructionSet instructions,
        void* weight,
        Element element,
        void* bias,
        Element biasElement,
        int outputs,
        int channels,
        int height,
        int width,
        int stride,
        int padding
    ) =>
        new(
            new PackedMatrix(instructions, weight, element, bias, biasElement, outputs, channels, height * width, gated: false),
            channels,
            new Window(height, width, stride, padding)
        );

    /// <summary>The same, by <see cref="WinogradConvolution"/> or by the plain sum.</summary>
    internal void Run(void* x, void* result, void* added, Element element, int batch, int height, int width, bool winograd)
    {
        if (element == Element.Float32)
        {
            Run<Float32Numbers>((byte*)x, (byte*)result, (byte*)added, batch, height, width, winograd);
        }
        else
        {
            Run<BFloat16Numbers>((byte*)x, (byte*)result, (byte*)added, batch, height, width, winograd);
        }
    }

    private void Run<TNumbers>(byte* x, byte* result, byte* added, int batch, int height, int width, bool winograd)
        where TNumbers : struct, INumbers
    {
        long rows = (long)batch * _window.ResultHeight(height) * _window.ResultWidth(width);
        var to = new Result<TNumbers>(result, added, _matrix.Results);
        if (winograd)
        {
            WinogradConvolution.Run<TNumbers>(_matrix, x, result, added, _channels, batch, height, width);
        }
        else if (_window == new Window(1, 1, 1, 0))
        {
            MatrixProduct.Run(_matrix, new MatrixRows<TNumbers>(x, _channels), rows, to);
        }
        else
        {
            MatrixProduct.Run(_matrix, new PictureRows<TNumbers>(x, _channels, _window, height, width), rows, to);
        }
    }
}
