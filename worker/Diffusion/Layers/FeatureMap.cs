using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Feature maps as sequences and back. Both are views when the map is channels_last.</summary>
public static class FeatureMap
{
    /// <summary>(batch, channels, height, width) to (batch, height * width, channels).</summary>
    public static Tensor ToSequence(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], x.shape[2] * x.shape[3], x.shape[1]).MoveToOuterDisposeScope();
    }

    /// <summary>(batch, height * width, channels) to (batch, channels, height, width).</summary>
    public static Tensor FromSequence(Tensor x, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.view(x.shape[0], height, width, x.shape[2]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}
