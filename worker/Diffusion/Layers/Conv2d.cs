using Generation.Diffusion.Weights;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>A square two-dimensional convolution.</summary>
public sealed class Conv2d
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly long[] _stride;
    private readonly long[] _padding;

    /// <param name="padding">Null for (kernel - 1) / 2, which keeps height and width at stride 1.</param>
    public Conv2d(
        NetworkWeights w,
        long inChannels,
        long outChannels,
        int kernel = 3,
        int stride = 1,
        int? padding = null,
        bool bias = true
    )
    {
        _weight = w.Take("weight", outChannels, inChannels, kernel, kernel);
        _bias = bias ? w.Take("bias", outChannels) : null;
        _stride = [stride, stride];
        int pad = padding ?? (kernel - 1) / 2;
        _padding = [pad, pad];
    }

    /// <param name="x">(batch, in channels, height, width)</param>
    /// <returns>
    /// (batch, out channels, height, width), channels_last where weights are packed, else in the memory layout of <paramref name="x"/>
    /// </returns>
    public Tensor Forward(Tensor x) => Packed.Forward(x);

    /// <inheritdoc cref="Forward(Tensor)"/>
    /// <param name="added">Added to the result, and of its shape; null for nothing.</param>
    /// <param name="inPlace">Whether the result may be written over <paramref name="added"/>, and is then the same object.</param>
    public Tensor Forward(Tensor x, Tensor? added, bool inPlace = false) => Packed.Forward(x, added, inPlace);

    private PackedConv2d Packed =>
        _weight.Derived(_bias, () => new PackedConv2d(() => _weight.Value, _bias?.Value, _stride, _padding, _weight.WhenPacked));
}
