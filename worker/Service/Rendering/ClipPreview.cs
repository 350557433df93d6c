using Generation.Diffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Worker.Rendering;

/// <summary>
/// A small picture of a clip's middle frame between two steps: decoded where that is cheap, else by a linear fit of the latents' colours.
/// </summary>
internal static class ClipPreview
{
    private const int MaxDecodedPixels = 128 * 128;
    private const int MaxSide = 128;
    private const int Quality = 75;

    /// <summary>A JPEG file, or null where the latent space has no fit and decoding would take long.</summary>
    /// <param name="latents">Of one clip: (1, channels, frames, height, width) for words, (1, frames, channels, height, width) for a
    /// picture.</param>
    public static byte[]? Make(LoadedModel model, Tensor latents)
    {
        using DisposeScope scope = NewDisposeScope();
        int axis = model.TextToVideo is null ? 1 : 2;
        Tensor frame = latents.select(axis, latents.shape[axis] / 2);
        Picture? picture = model.TextToVideo is { } words
            ? Decode(words.Vae, frame) ?? FromColours(words.Vae.Config, frame)
            : FromColours(model.ImageToVideo!.Vae.Config, frame);
        return picture is null ? null : PictureCodec.Encode(Thumbnail.Of(picture, MaxSide), PictureFormat.Jpeg, Quality);
    }

    private static Picture? Decode(AutoencoderKL vae, Tensor frame) =>
        frame.shape[^1] * frame.shape[^2] * vae.Config.Downscale * vae.Config.Downscale <= MaxDecodedPixels
            ? PictureTensors.ToPictures(PictureTensors.FromDecoded(vae.Decode(vae.FromDenoiser(frame))))[0]
            : null;

    private static Picture? FromColours(AutoencoderConfig config, Tensor frame) =>
        LatentColours.Of(config.ScalingFactor, config.LatentChannels) is { } colours ? LatentPreview.FromColours(frame, colours) : null;
}
