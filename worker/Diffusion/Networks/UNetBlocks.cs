using Generation.Diffusion.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>What every layer of a UNet's call sees.</summary>
/// <param name="Time">(batch * frames, size): the activated time embedding.</param>
/// <param name="Context">(batch * frames, prompt length, features).</param>
/// <param name="ContextMask">Added to cross-attention scores; null: none.</param>
/// <param name="Frames">Frames of each video in the batch; 1 for pictures.</param>
internal readonly record struct UNetCall(Tensor Time, Tensor Context, Tensor? ContextMask = null, int Frames = 1);

/// <summary>
/// A residual block, a transformer or a motion module: feature map to feature map, (batch * frames, channels, height, width).
/// </summary>
internal delegate Tensor UNetLayer(Tensor x, in UNetCall call);

/// <summary>One stage of the way down.</summary>
/// <param name="Steps">Each step is a chain of layers, whose output is kept as a skip connection.</param>
/// <param name="Downsampler">Null at the last stage.</param>
internal sealed record UNetDownStage(UNetLayer[][] Steps, Downsample2D? Downsampler);

/// <summary>One stage of the way up.</summary>
/// <param name="Steps">Each step takes a skip connection beside its input.</param>
/// <param name="Upsampler">Null at the last stage.</param>
internal sealed record UNetUpStage(UNetLayer[][] Steps, Upsample2D? Upsampler);

/// <summary>Runs the stages of a UNet: down with skip connections, middle, and up again.</summary>
internal static class UNetBlocks
{
    /// <summary>The way down.</summary>
    /// <param name="skips">Begins with the convolution's output; each step's output is added, and so is each halving's. The caller's scope
    /// owns them.</param>
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

    /// <summary>The way up; takes all skip connections off the list and disposes them, and <paramref name="x"/>.</summary>
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

    /// <summary>Layers one after the other; what is between them goes at once.</summary>
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
