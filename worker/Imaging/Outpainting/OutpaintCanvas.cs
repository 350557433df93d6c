using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Outpainting;

/// <summary>
/// Outpainting as inpainting on a larger canvas: the picture with its edges extended over the sides that grow, a mask over what is painted,
/// and the final composition, which leaves what was not painted as it was, pixel for pixel.
/// </summary>
public sealed class OutpaintCanvas
{
    private readonly Picture _alpha;
    private readonly PictureRegion _kept;

    private OutpaintCanvas(Picture image, Picture mask, Picture alpha, PictureRegion kept)
    {
        Image = image;
        Mask = mask;
        _alpha = alpha;
        _kept = kept;
    }

    /// <summary>The whole canvas in three channels: the picture, and around it the colours of its nearest edge.</summary>
    public Picture Image { get; }

    /// <summary>The mask in grey, of the canvas's size: white is painted.</summary>
    public Picture Mask { get; }

    /// <summary>Puts a picture on a larger canvas.</summary>
    /// <param name="picture">The picture, whose transparency is dropped.</param>
    /// <param name="left">
    /// The number of pixels to add on the left side, 0 or more, as for the other sides; at least one side must grow.
    /// </param>
    /// <param name="overlap">
    /// The number of pixels inside a border that has grown over which old and new are blended; the picture must be larger than that.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range; the exception has its name.</exception>
    public static OutpaintCanvas Extend(Picture picture, int left = 0, int right = 0, int top = 0, int bottom = 0, int overlap = 16)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfNegative(left);
        ArgumentOutOfRangeException.ThrowIfNegative(right);
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        ArgumentOutOfRangeException.ThrowIfNegative(bottom);
        ArgumentOutOfRangeException.ThrowIfNegative(overlap);
        if (left + right + top + bottom == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(left), "left, right, top and bottom are all 0; at least one side must grow.");
        }

        if (Covered(left, right, overlap) >= picture.Width || Covered(top, bottom, overlap) >= picture.Height)
        {
            throw new ArgumentOutOfRangeException(
                nameof(overlap),
                overlap,
                $"The overlap leaves nothing of the picture, which is {picture.Width} x {picture.Height} pixels."
            );
        }

        Picture old = picture.DropAlpha();
        var image = new Picture(left + old.Width + right, top + old.Height + bottom, 3);
        var mask = new Picture(image.Width, image.Height, 1);
        var alpha = new Picture(image.Width, image.Height, 1);
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> from = old.Row(Math.Clamp(y - top, 0, old.Height - 1));
            Span<byte> to = image.Row(y);
            int vertical = Depth(y, top, old.Height, bottom);
            for (int x = 0; x < image.Width; x++)
            {
                from.Slice(Math.Clamp(x - left, 0, old.Width - 1) * 3, 3).CopyTo(to[(x * 3)..]);
                int depth = Math.Min(vertical, Depth(x, left, old.Width, right));
                mask.Row(y)[x] = depth <= overlap ? (byte)255 : (byte)0;
                alpha.Row(y)[x] = (byte)Math.Clamp(255 - (255 * depth / (overlap + 1)), 0, 255);
            }
        }

        return new OutpaintCanvas(image, mask, alpha, new PictureRegion(left, top, left + old.Width, top + old.Height));
    }

    /// <summary>
    /// Returns the canvas with the drawn picture put in: colours are matched at the old borders, and it fades out over the overlap.
    /// </summary>
    /// <param name="drawn">The picture that a network made from <see cref="Image"/> and <see cref="Mask"/>, of any size.</param>
    public Picture Finish(Picture drawn)
    {
        ArgumentNullException.ThrowIfNull(drawn);
        Picture matched = ColourMatch.Apply(drawn.DropAlpha().Fit(Image.Width, Image.Height), Image, _kept);
        return MaskTools.Overlay(Image, matched, _alpha);
    }

    private static int Covered(int before, int after, int overlap) => (before > 0 ? overlap : 0) + (after > 0 ? overlap : 0);

    /// <summary>The distance from the sides that grow, within the picture; 0 outside.</summary>
    private static int Depth(int at, int before, int length, int after)
    {
        int fromStart = before > 0 ? at - before + 1 : int.MaxValue;
        int fromEnd = after > 0 ? before + length - at : int.MaxValue;
        // Times 255 it stays a number
        return Math.Clamp(Math.Min(fromStart, fromEnd), 0, short.MaxValue);
    }
}
