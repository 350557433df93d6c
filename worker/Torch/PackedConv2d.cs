using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>
/// A convolution of pictures (batch, in, height, width) by weight (out, in, height, width), without groups or dilation, whose weight is
/// packed at the first call into the layout that the processor computes with.
/// </summary>
public sealed unsafe class PackedConv2d : IDisposable
{
    private readonly Func<Tensor> _weight;
    private readonly Tensor? _bias;
    private readonly Action? _packed;
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly long[] _shape;
    private readonly ScalarType _dtype;
    private readonly Lazy<LayerKernel<LayerKernels.Convolution>?> _kernel;

    /// <summary>Makes a layer from tensors that must live as long as the layer.</summary>
    public PackedConv2d(Tensor weight, Tensor? bias, long[] stride, long[] padding)
        : this(() => weight, bias, stride, padding, packed: null) { }

    /// <param name="weight">Returns the weight, which must be the same at each call.</param>
    /// <param name="bias">The bias, which must live as long as the layer; null for none.</param>
    /// <param name="stride">The stride down and across.</param>
    /// <param name="padding">The padding down and across, on both sides.</param>
    /// <param name="packed">Called when a packed copy is used from now on, so that the weight itself need not stay in memory.</param>
    public PackedConv2d(Func<Tensor> weight, Tensor? bias, long[] stride, long[] padding, Action? packed)
    {
        _weight = weight;
        _bias = bias;
        _packed = packed;
        _stride = stride;
        _padding = padding;
        _shape = weight().shape;
        _dtype = weight().dtype;
        _kernel = new(Pack);
    }

    /// <summary>Whether a packed copy is used. It is made now, if it was not made yet.</summary>
    public bool IsPacked => _kernel.Value is not null;

    /// <summary>
    /// Computes the layer's result plus <paramref name="added"/>, which has the result's shape, in one pass. The result is channels_last
    /// where the weight is packed.
    /// </summary>
    /// <param name="inPlace">
    /// Whether the result may take the memory of <paramref name="added"/>, which the caller gives up; it may be returned as the same
    /// object.
    /// </param>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public Tensor Forward(Tensor input, Tensor? added = null, bool inPlace = false)
    {
        try
        {
            long[] shape = input.shape;
            if (Fits(input, shape) && _kernel.Value is { } kernel)
            {
                long[] result = [shape[0], Size(shape, 2), Size(shape, 3), _shape[0]];
                if (result[1] > 0 && result[2] > 0 && (added is null || Fits(added, input, result)))
                {
                    return Run(kernel, input, shape, result, added, inPlace);
                }
            }

            Tensor made = WidenedLayers.Conv2d(input, _weight(), _bias, _stride, _padding);
            if (added is not null)
            {
                made.add_(added);
            }

            return made;
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of("conv2d", error, input, _weight(), _bias, added);
        }
    }

    public void Dispose()
    {
        if (_kernel.IsValueCreated)
        {
            _kernel.Value?.Dispose();
        }
    }

    private static Tensor Run(
        LayerKernel<LayerKernels.Convolution> kernel,
        Tensor input,
        long[] shape,
        long[] result,
        Tensor? added,
        bool inPlace
    )
    {
        // (batch, channels, height, width) seen as (batch, height, width, channels): no copy where channels are last in memory
        using Tensor seen = input.permute(0, 2, 3, 1);
        using Tensor x = seen.contiguous();
        using Tensor? addedSeen = added?.permute(0, 2, 3, 1);
        using Tensor? beside = addedSeen?.contiguous();
        bool reuse = inPlace && addedSeen is not null && addedSeen.is_contiguous();
        using Tensor? fresh = reuse ? null : empty(result, input.dtype);
        nint into = TorchExtras.DataPointer(reuse ? added! : fresh!);
        if (shape[0] > 0)
        {
            kernel.Run(
                (void*)TorchExtras.DataPointer(x),
                (void*)into,
                beside is null ? null : (void*)TorchExtras.DataPointer(beside),
                (int)shape[0],
                (int)shape[2],
                (int)shape[3]
            );
        }

        return fresh is null ? added! : fresh.permute(0, 3, 1, 2);
    }

    private LayerKernel<LayerKernels.Convolution>? Pack()
    {
        LayerKernel<LayerKernels.Convolution>? kernel = LayerKernels.OfConvolution(
            _weight(),
            _bias,
            _stride,
            _padding,
            replaces: _packed is not null
        );
        if (kernel is not null)
        {
            _packed?.Invoke();
        }

        return kernel;
    }

    private long Size(long[] shape, int dimension) =>
        ((shape[dimension] + (2 * _padding[dimension - 2]) - _shape[dimension]) / _stride[dimension - 2]) + 1;

    private bool Fits(Tensor input, long[] shape) =>
        shape.Length == 4 && shape[1] == _shape[1] && input.dtype == _dtype && input.device_type == DeviceType.CPU;

    private static bool Fits(Tensor added, Tensor input, long[] result) =>
        added.dtype == input.dtype && added.shape.AsSpan().SequenceEqual([result[0], result[3], result[1], result[2]]);
}
