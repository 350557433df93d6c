using System.Runtime.InteropServices;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Generation.Torch;

/// <summary>
/// A convolution of pictures (batch, in, height, width) by weight (out, in, height, width), without groups or dilation, with the
/// weight packed at the first call into the layout that the processor computes with. The tensors must live as long as this.
/// </summary>
public sealed class PackedConv2d(Tensor weight, Tensor? bias, long[] stride, long[] padding) : IDisposable
{
    /// <summary>Whether a packed copy is used.</summary>
    public bool IsPacked => false;

    /// <summary>The layer's result, plus <paramref name="added"/>, of the result's shape, in the same pass; channels last where packed.</summary>
    /// <param name="inPlace">The result takes the memory of <paramref name="added"/>, which the caller gives up; it may come back as the same object.</param>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public Tensor Forward(Tensor input, Tensor? added = null, bool inPlace = false)
    {
        try
        {
            Tensor made = F.conv2d(input, weight, bias, stride, padding);
            if (added is not null)
            {
                made.add_(added);
            }

            return made;
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of("conv2d", error, input, weight, bias, added);
        }
    }

    public void Dispose()
    {
    }
}
