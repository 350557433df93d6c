using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// Bicubic resizing after a Gaussian blur whose width follows the factor. Reference: _resize_with_antialiasing of diffusers 0.35.2's Stable
/// Video Diffusion.
/// </summary>
internal static class AntialiasedResize
{
    /// <summary>Resizes (n, channels, height, width) to another height and width.</summary>
    public static Tensor Resize(Tensor image, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor blurred = Blur(
            Blur(image, (double)image.shape[3] / width, vertical: false),
            (double)image.shape[2] / height,
            vertical: true
        );
        return F.interpolate(blurred, size: [height, width], mode: InterpolationMode.Bicubic, align_corners: true)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Blur(Tensor image, double factor, bool vertical)
    {
        float sigma = (float)Math.Max((factor - 1) / 2, 0.001);
        int size = (int)Math.Max(4.0 * Math.Max((factor - 1) / 2, 0.001), 3);
        size += 1 - (size % 2);
        int reach = size / 2;
        Tensor x = arange(size, dtype: ScalarType.Float32, device: image.device) - reach;
        Tensor weights = (-x.pow(2) / (2 * sigma * sigma)).exp();
        weights = weights / weights.sum();
        long channels = image.shape[1];
        Tensor kernel = (vertical ? weights.view(1, 1, size, 1) : weights.view(1, 1, 1, size)).expand(channels, -1, -1, -1);
        Tensor padded = F.pad(image, vertical ? [0, 0, reach, reach] : [reach, reach, 0, 0], TorchSharp.PaddingModes.Reflect);
        return F.conv2d(padded, kernel.contiguous(), groups: channels);
    }
}
