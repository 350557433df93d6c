using Generation.Diffusion.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Layers;

/// <summary>A convolution along the frames of a video: stored as a three-dimensional one with kernel (3, 1, 1).</summary>
public sealed class TemporalConv
{
    private static readonly long[] Stride = [1, 1];
    private static readonly long[] Padding = [1, 0];

    private readonly Parameter _weight;
    private readonly Parameter _bias;

    public TemporalConv(NetworkWeights w, long inChannels, long outChannels)
    {
        _weight = w.Take("weight", outChannels, inChannels, 3, 1, 1);
        _bias = w.Take("bias", outChannels);
    }

    /// <param name="x">(batch, in channels, frames, positions)</param>
    /// <returns>(batch, out channels, frames, positions)</returns>
    public Tensor Forward(Tensor x)
    {
        using Tensor kernel = _weight.Value.squeeze(-1);
        return F.conv2d(x, kernel, _bias.Value, Stride, Padding);
    }
}
