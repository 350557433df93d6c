using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Generation.Torch;

/// <summary>
/// A convolution of pictures (batch, in, height, width) by weight (out, in, height, width), without groups or dilation, with the
/// weight packed at the first call into the layout that the processor computes with. The tensors must live as long as this.
/// </summary>
public sealed class PackedConv2d : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly PackedWeight? _packed;

    public PackedConv2d(Tensor weight, Tensor? bias, long[] stride, long[] padding)
    {
        _weight = weight;
        _bias = bias;
        _stride = stride;
        _padding = padding;
        _packed = PackedWeight.Conv2d(weight, bias, stride, padding);
    }

    /// <summary>Whether a packed copy is used.</summary>
    public bool IsPacked => _packed is not null;

    /// <summary>The layer's result, plus <paramref name="added"/>, of the result's shape, in the same pass; channels last where packed.</summary>
    /// <param name="inPlace">The result takes the memory of <paramref name="added"/>, which the caller gives up; it may come back as the same object.</param>
    public Tensor Forward(Tensor input, Tensor? added = null, bool inPlace = false)
    {
        if (_packed is not null && _packed.Fits(input, _weight))
        {
            return _packed.Conv2d(input, added, inPlace);
        }

        Tensor made = F.conv2d(input, _weight, _bias, _stride, _padding);
        return added is null ? made : made.add_(added);
    }

    public void Dispose() => _packed?.Dispose();
}
