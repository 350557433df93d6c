using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Generation.Torch;

/// <summary>
/// input (.., in) x weight (out, in), transposed, + bias (out), with the weight packed at the first call into the layout that
/// the processor computes with. The tensors must live as long as this.
/// </summary>
public sealed class PackedLinear : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly PackedWeight? _packed;

    public PackedLinear(Tensor weight, Tensor? bias)
    {
        _weight = weight;
        _bias = bias;
        _packed = PackedWeight.Linear(weight, bias);
    }

    /// <summary>Whether a packed copy is used.</summary>
    public bool IsPacked => _packed is not null;

    /// <summary>The layer's result, plus <paramref name="added"/>, of the result's shape, in the same pass.</summary>
    /// <param name="inPlace">The result takes the memory of <paramref name="added"/>, which the caller gives up; it may come back as the same object.</param>
    public Tensor Forward(Tensor input, Tensor? added = null, bool inPlace = false)
    {
        if (_packed is not null && _packed.Fits(input, _weight))
        {
            return _packed.Linear(input, added, inPlace);
        }

        Tensor made = F.linear(input, _weight, _bias);
        return added is null ? made : made.add_(added);
    }

    /// <summary>GEGLU: the first half of the layer's result times GELU of the second, (.., out / 2). Shazeer, 2020.</summary>
    public Tensor ForwardGeglu(Tensor input)
    {
        if (_packed is not null && _packed.Fits(input, _weight))
        {
            return _packed.Geglu(input);
        }

        using Tensor both = F.linear(input, _weight, _bias);
        return TorchExtras.geglu(both);
    }

    public void Dispose() => _packed?.Dispose();
}
