using Generation.Diffusion.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Layers;

/// <summary>Doubles height and width by repeating pixels, and then applies a 3x3 convolution.</summary>
public sealed class Upsample2D
{
    private readonly Conv2d _conv;

    public Upsample2D(NetworkWeights w, int channels) => _conv = new Conv2d(w["conv"], channels, channels);

    /// <param name="x">(batch, channels, height, width)</param>
    /// <param name="size">The height and width to reach, where halving has rounded; null for twice the input's.</param>
    public Tensor Forward(Tensor x, (long Height, long Width)? size = null)
    {
        using Tensor larger = Nearest(x, size ?? (x.shape[2] * 2, x.shape[3] * 2));
        return _conv.Forward(larger);
    }

    /// <summary>Nearest-neighbour enlargement, at the input's memory layout.</summary>
    public static Tensor Nearest(Tensor x, (long Height, long Width) size) =>
        F.interpolate(x, [size.Height, size.Width], mode: InterpolationMode.Nearest);
}
