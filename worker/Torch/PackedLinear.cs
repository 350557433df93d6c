using System.Runtime.InteropServices;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Generation.Torch;

/// <summary>
/// input (.., in) x weight (out, in), transposed, + bias (out), with the weight packed at the first call into the layout that
/// the processor computes with. The tensors must live as long as this.
/// </summary>
public sealed class PackedLinear(Tensor weight, Tensor? bias) : IDisposable
{
    /// <summary>Whether a packed copy is used.</summary>
    public bool IsPacked => false;

    /// <summary>The layer's result, plus <paramref name="added"/>, of the result's shape, in the same pass.</summary>
    /// <param name="inPlace">The result takes the memory of <paramref name="added"/>, which the caller gives up; it may come back as the same object.</param>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public Tensor Forward(Tensor input, Tensor? added = null, bool inPlace = false)
    {
        try
        {
            Tensor made = F.linear(input, weight, bias);
            if (added is not null)
            {
                made.add_(added);
            }

            return made;
        }
        catch (ExternalException error) when (error is not TorchException)
        {
            throw TorchException.Of("linear", error, input, weight, bias, added);
        }
    }

    /// <summary>GEGLU: the first half of the layer's result times GELU of the second, (.., out / 2). Shazeer, 2020.</summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public Tensor ForwardGeglu(Tensor input)
    {
        using Tensor both = Forward(input);
        return TorchExtras.geglu(both);
    }

    public void Dispose()
    {
    }
}
