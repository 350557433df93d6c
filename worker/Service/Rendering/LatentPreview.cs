using Generation.Diffusion;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Torch;
using Generation.Worker.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Worker.Rendering;

/// <summary>
/// A small picture of a run between two steps. Published latent spaces are shown through a linear fit of their colours,
/// which costs nothing; the pictures of small models are decoded; others have no preview.
/// </summary>
internal static class LatentPreview
{
    private const int MaxSide = 128;
    private const int MaxDecodedPixels = 128 * 128;
    private const int Quality = 75;

    /// <summary>A JPEG file, or null.</summary>
    public static byte[]? Make(LoadedModel model, DenoisingRun run, StepReport report)
    {
        double[][]? colours = model.Pictures is { Vae.Config: var vae } ? LatentColours.Of(vae.ScalingFactor, vae.LatentChannels) : null;
        Picture? picture =
            colours is not null ? FromColours(report.Latents, colours)
            : model.Pictures is not null ? FromDecoder(model.Pictures, run, report)
            : run.Preview();
        if (picture is null)
        {
            return null;
        }

        double shrink = Math.Min(1, (double)MaxSide / Math.Max(picture.Width, picture.Height));
        Picture small =
            shrink < 1 ? picture.Resize(Math.Max(1, (int)(picture.Width * shrink)), Math.Max(1, (int)(picture.Height * shrink))) : picture;
        return PictureCodec.Encode(small, PictureFormat.Jpeg, Quality);
    }

    /// <summary>The first of some latents, (n, channels, height, width), a pixel for each, by the linear fit of their colours.</summary>
    public static Picture FromColours(Tensor latents, double[][] colours)
    {
        using DisposeScope scope = NewDisposeScope();
        int channels = colours.Length - 1;
        // (1, channels, height, width) by (channels, 3)
        Tensor pixels = latents.narrow(0, 0, 1).to(ScalarType.Float32).cpu().permute(0, 2, 3, 1);
        Tensor fit = tensor(colours.Take(channels).SelectMany(row => row.Select(v => (float)v)).ToArray(), [channels, 3]);
        Tensor constant = tensor(colours[channels].Select(v => (float)v).ToArray(), [3]);
        return PictureTensors.ToPictures(((TorchExtras.product(pixels, fit) + constant + 1) / 2).clamp(0, 1))[0];
    }

    private static Picture? FromDecoder(LatentDiffusionModel model, DenoisingRun run, StepReport report)
    {
        int downscale = model.Vae.Config.Downscale;
        long[] shape = report.Latents.shape;
        if (shape[^1] * downscale * shape[^2] * downscale > MaxDecodedPixels)
        {
            return null;
        }

        using PictureBatch batch = run.Decode();
        return batch.ToPictures()[0];
    }
}
