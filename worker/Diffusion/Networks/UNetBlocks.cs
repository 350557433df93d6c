using Generation.Diffusion.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>The inputs that every layer of a UNet gets in a call.</summary>
/// <param name="Time">(batch * frames, size): the activated time embedding.</param>
/// <param name="Context">(batch * frames, prompt length, features).</param>
/// <param name="ContextMask">Added to the scores of cross attention; null for none.</param>
/// <param name="Frames">The number of frames of each video in the batch; 1 for pictures.</param>
internal readonly record struct UNetCall(Tensor Time, Tensor Context, Tensor? ContextMask = null, int Frames = 1);

/// <summary>
/// A residual block, a transformer or a motion module, which takes and returns a feature map (batch * frames, channels, height, width).
/// </summary>
internal delegate Tensor UNetLayer(Tensor x, in UNetCall call);

/// <summary>One stage of the down path.</summary>
/// <param name="Steps">Each step is a chain of layers, whose output becomes a skip connection.</param>
/// <param name="Downsampler">Null in the last stage.</param>
internal sealed record UNetDownStage(UNetLayer[][] Steps, Downsample2D? Downsampler);

/// <summary>One stage of the up path.</summary>
/// <param name="Steps">Each step takes a skip connection beside its input.</param>
/// <param name="Upsampler">Null in the last stage.</param>
internal sealed record UNetUpStage(UNetLayer[][] Steps, Upsample2D? Upsampler);

/// <summary>Runs the stages of a UNet: down with skip connections, middle, and up again.</summary>
internal static class UNetBlocks
{
    /// <summary>Runs the down path.</summary>
    /// <param name="skips">
    /// Begins with the output of the input convolution. The output of each step and of each downsampler is appended. The tensors belong to
    /// the caller's scope.
    /// </param>
    public static void Down(IEnumerable<UNetDownStage> stages, in UNetCall call, List<Tensor> skips)
    {
        foreach (UNetDownStage stage in stages)
        {
            foreach (UNetLayer[] step in stage.Steps)
            {
                skips.Add(Chain(step, skips[^1], call));
            }
            if (stage.Downsampler is not null)
            {
                skips.Add(stage.Downsampler.Forward(skips[^1]));
            }
        }
    }

    /// <summary>Runs the up path. Takes all skip connections from the list and disposes them, and <paramref name="x"/>.</summary>
    public static Tensor Up(IEnumerable<UNetUpStage> stages, Tensor x, in UNetCall call, List<Tensor> skips)
    {
        Tensor h = x;
        foreach (UNetUpStage stage in stages)
        {
            foreach (UNetLayer[] step in stage.Steps)
            {
                Tensor skip = skips[^1];
                skips.RemoveAt(skips.Count - 1);
                Scoped.Swap(ref h, torch.cat([h, skip], 1));
                skip.Dispose();
                Scoped.Swap(ref h, Chain(step, h, call));
            }
            if (stage.Upsampler is not null)
            {
                // Halving rounds up, so the size to reach is that of the next skip connection
                Tensor next = skips[^1];
                Scoped.Swap(ref h, stage.Upsampler.Forward(h, (next.shape[2], next.shape[3])));
            }
        }
        return h;
    }

    /// <summary>Runs layers one after the other, and disposes intermediate results at once.</summary>
    public static Tensor Chain(UNetLayer[] layers, Tensor x, in UNetCall call)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = layers[0](x, call);
        foreach (UNetLayer layer in layers.AsSpan(1))
        {
            Scoped.Swap(ref h, layer(h, call));
        }
        return h.MoveToOuterDisposeScope();
    }
}
