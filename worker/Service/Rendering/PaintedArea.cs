using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;

namespace Generation.Service.Rendering;

/// <summary>
/// The part of a picture that an inpainting network gets to see, and the way to put its result back into the picture. The network may work
/// at another size than the picture has: its result is resized to the picture's size and blended in by the mask, so that what the mask
/// keeps is the picture's own, pixel for pixel.
/// </summary>
internal sealed class PaintedArea
{
    private readonly Picture _original;
    private readonly Picture _alpha;
    private readonly PictureRegion _region;

    /// <param name="original">The picture, at the size of the output.</param>
    /// <param name="mask">The mask in that size, in grey: white is painted.</param>
    /// <param name="alpha">The opacity of the painted pixels over the original, in that size, in grey.</param>
    /// <param name="padding">How many pixels around the masked area are computed with it; null where the whole picture is computed.</param>
    /// <exception cref="SettingException">The mask is empty.</exception>
    public PaintedArea(Picture original, Picture mask, Picture alpha, PlannedPass pass, int? padding)
    {
        if (mask.Bytes.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            throw new SettingException("mask", "marks nothing to be painted; see mask_mode for which part is.");
        }

        (_original, _alpha) = (original, alpha);
        (int width, int height) = (pass.Width, pass.Height);
        _region = padding is { } around ? mask.CropRegion(width, height, around) : new PictureRegion(0, 0, original.Width, original.Height);
        Image = original.Crop(_region.Left, _region.Top, _region.Width, _region.Height).Fit(width, height);
        Mask = Shrink(mask.Crop(_region.Left, _region.Top, _region.Width, _region.Height), width, height);
    }

    /// <summary>The picture at the network's size.</summary>
    public Picture Image { get; }

    /// <summary>The mask at the network's size, black and white.</summary>
    public Picture Mask { get; }

    /// <summary>Returns the whole picture with the painted area put in.</summary>
    public Picture Finish(Picture drawn)
    {
        Picture whole = new(_original.Width, _original.Height, 3);
        whole.Paste(drawn.DropAlpha().Fit(_region.Width, _region.Height), _region.Left, _region.Top);
        return MaskTools.Overlay(_original, whole, _alpha);
    }

    /// <summary>
    /// Resizes the mask. Whatever it marks stays marked: a pixel of the small mask stands for all pixels under it, and a pixel that was not
    /// painted could not be blended in.
    /// </summary>
    private static Picture Shrink(Picture mask, int width, int height)
    {
        if ((mask.Width, mask.Height) == (width, height))
        {
            return mask;
        }

        var small = new Picture(width, height, 1);
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom) = Under(y, height, mask.Height);
            Span<byte> row = small.Row(y);
            for (int x = 0; x < width; x++)
            {
                (int left, int right) = Under(x, width, mask.Width);
                for (int from = top; from < bottom && row[x] == 0; from++)
                {
                    row[x] = mask.Row(from)[left..right].IndexOfAnyExcept((byte)0) >= 0 ? (byte)255 : (byte)0;
                }
            }
        }

        return small;
    }

    private static (int First, int End) Under(int at, int small, int large)
    {
        int first = (int)((long)at * large / small);
        int end = (int)((((long)at + 1) * large + small - 1) / small);
        return (first, Math.Clamp(end, first + 1, large));
    }
}
