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

/// <summary>Frames as pictures of a batch and as an axis of videos. Views when the pictures are channels_last.</summary>
internal static class FrameMap
{
    /// <summary>(batch * frames, channels, height, width) to (batch, channels, frames, height * width).</summary>
    public static Tensor ToVideo(Tensor x, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sequence = FeatureMap.ToSequence(x);
        return sequence.view(x.shape[0] / frames, frames, sequence.shape[1], x.shape[1]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>(batch, channels, frames, height * width) to (batch * frames, channels, height, width).</summary>
    public static Tensor FromVideo(Tensor x, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sequence = x.permute(0, 2, 3, 1).reshape(x.shape[0] * x.shape[2], x.shape[3], x.shape[1]);
        return FeatureMap.FromSequence(sequence, height, width).MoveToOuterDisposeScope();
    }
}
