using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Turns feature maps into sequences and back. Both are views when the map is channels_last.</summary>
public static class FeatureMap
{
    /// <summary>Turns (batch, channels, height, width) into (batch, height * width, channels).</summary>
    public static Tensor ToSequence(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], x.shape[2] * x.shape[3], x.shape[1]).MoveToOuterDisposeScope();
    }

    /// <summary>Turns (batch, height * width, channels) into (batch, channels, height, width).</summary>
    public static Tensor FromSequence(Tensor x, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.view(x.shape[0], height, width, x.shape[2]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Turns the frames of videos from pictures of a batch into an axis of their own and back. Both are views when the pictures are
/// channels_last.
/// </summary>
internal static class FrameMap
{
    /// <summary>Turns (batch * frames, channels, height, width) into (batch, channels, frames, height * width).</summary>
    public static Tensor ToVideo(Tensor x, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sequence = FeatureMap.ToSequence(x);
        return sequence.view(x.shape[0] / frames, frames, sequence.shape[1], x.shape[1]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Turns (batch, channels, frames, height * width) into (batch * frames, channels, height, width).</summary>
    public static Tensor FromVideo(Tensor x, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sequence = x.permute(0, 2, 3, 1).reshape(x.shape[0] * x.shape[2], x.shape[3], x.shape[1]);
        return FeatureMap.FromSequence(sequence, height, width).MoveToOuterDisposeScope();
    }
}
