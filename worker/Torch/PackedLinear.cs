using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>
/// A linear layer, input (.., in) x weight (out, in), transposed, + bias (out), whose weight is packed at the first call into the layout
/// that the processor computes with.
/// </summary>
public sealed unsafe class PackedLinear : IDisposable
{
    private readonly Func<Tensor> _weight;
    private readonly Tensor? _bias;
    private readonly Action? _packed;
    private readonly long[] _shape;
    private readonly ScalarType _dtype;
    private readonly Lazy<LayerKernel<LayerKernels.Linear>?> _plain;
    private readonly Lazy<LayerKernel<LayerKernels.Linear>?> _gated;

    /// <summary>Makes a layer from tensors that must live as long as the layer.</summary>
    public PackedLinear(Tensor weight, Tensor? bias)
        : this(() => weight, bias, packed: null) { }

    /// <param name="weight">Returns the weight, which must be the same at each call.</param>
    /// <param name="bias">The bias, which must live as long as the layer; null for none.</param>
    /// <param name="packed">Called when a packed copy is used from now on, so that the weight itself need not stay in memory.</param>
    public PackedLinear(Func<Tensor> weight, Tensor? bias, Action? packed)
    {
        _weight = weight;
        _bias = bias;
        _packed = packed;
        _shape = weight().shape;
        _dtype = weight().dtype;
        _plain = new(() => Pack(gated: false));
        _gated = new(() => Pack(gated: true));
    }

    /// <summary>Whether a packed copy is used. It is made now, if it was not made yet.</summary>
    public bool IsPacked => _plain.Value is not null;

    /// <summary>Computes the layer's result plus <paramref name="added"/>, which has the result's shape, in one pass.</summary>
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
            if (Fits(input, shape) && _plain.Value is { } kernel)
            {
                long[] results = [.. shape[..^1], _shape[0]];
                if (added is null || (added.dtype == input.dtype && added.shape.AsSpan().SequenceEqual(results)))
                {
                    return Run(kernel, input, shape, results, added, inPlace);
                }
            }

            Tensor made = WidenedLayers.Linear(input, _weight(), _bias);
            if (added is not null)
            {
                made.add_(added);
            }

            return made;
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of("linear", error, input, _weight(), _bias, added);
        }
    }

    /// <summary>Computes GEGLU: the first half of the layer's result times GELU of the second half, (.., out / 2). Shazeer, 2020.</summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public Tensor ForwardGeglu(Tensor input)
    {
        long[] shape = input.shape;
        if (Fits(input, shape) && _shape[0] % 2 == 0 && _gated.Value is { } kernel)
        {
            return Run(kernel, input, shape, [.. shape[..^1], _shape[0] / 2], null, inPlace: false);
        }

        using Tensor both = Forward(input);
        return TorchExtras.geglu(both);
    }

    public void Dispose()
    {
        foreach (Lazy<LayerKernel<LayerKernels.Linear>?> kernel in new[] { _plain, _gated })
        {
            if (kernel.IsValueCreated)
            {
                kernel.Value?.Dispose();
            }
        }
    }

    private static Tensor Run(
        LayerKernel<LayerKernels.Linear> kernel,
        Tensor input,
        long[] shape,
        long[] results,
        Tensor? added,
        bool inPlace
    )
    {
        using Tensor x = input.contiguous();
        using Tensor? beside = added?.contiguous();
        bool reuse = inPlace && added is not null && added.is_contiguous();
        Tensor made = reuse ? added! : empty(results, input.dtype);
        long rows = 1;
        foreach (long size in shape.AsSpan(0, shape.Length - 1))
        {
            rows *= size;
        }

        if (rows > 0)
        {
            kernel.Run(
                (void*)TorchExtras.DataPointer(x),
                (void*)TorchExtras.DataPointer(made),
                beside is null ? null : (void*)TorchExtras.DataPointer(beside),
                rows
            );
        }

        return made;
    }

    private LayerKernel<LayerKernels.Linear>? Pack(bool gated)
    {
        LayerKernel<LayerKernels.Linear>? kernel = LayerKernels.OfLinear(_weight(), _bias, gated, replaces: _packed is not null);
        if (kernel is not null)
        {
            _packed?.Invoke();
        }

        return kernel;
    }

    private bool Fits(Tensor input, long[] shape) =>
        shape.Length > 0 && shape[^1] == _shape[1] && input.dtype == _dtype && input.device_type == DeviceType.CPU;
}
