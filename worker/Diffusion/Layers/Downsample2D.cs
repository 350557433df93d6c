using Generation.Diffusion.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Layers;

/// <summary>Halves height and width with a 3x3 convolution of stride 2.</summary>
public sealed class Downsample2D
{
    private readonly Conv2d _conv;
    private readonly bool _padAtEnd;

    /// <param name="padding">1 for a border all around; 0 for one row below and one column at the right, as autoencoders have it.</param>
    public Downsample2D(NetworkWeights w, int channels, int padding)
    {
        _conv = new Conv2d(w["conv"], channels, channels, stride: 2, padding: padding);
        _padAtEnd = padding == 0;
    }

    /// <param name="x">(batch, channels, height, width)</param>
    public Tensor Forward(Tensor x)
    {
        if (!_padAtEnd)
        {
            return _conv.Forward(x);
        }
        using Tensor padded = F.pad(x, [0, 1, 0, 1]);
        return _conv.Forward(padded);
    }
}
