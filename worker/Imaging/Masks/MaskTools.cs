using System.Runtime.InteropServices;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Masks;

/// <summary>A rectangle of a picture in pixels; Right and Bottom are just outside of it.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PictureRegion(int Left, int Top, int Right, int Bottom)
{
    public int Width => Right - Left;

    public int Height => Bottom - Top;
}

/// <summary>Operations on inpainting masks: grey pictures, which are white (255) where is to be painted.</summary>
public static class MaskTools
{
    /// <summary>
    /// Grows the mask by <paramref name="pixels"/> in each direction or, below 0, shrinks it. The neighbourhood is a square, as in Pillow's
    /// MaxFilter and MinFilter.
    /// </summary>
    public static Picture Grow(this Picture mask, int pixels)
    {
        if (mask.Channels != 1)
        {
            throw new ArgumentException($"A mask has one channel, not {mask.Channels}.", nameof(mask));
        }

        if (pixels is < -Picture.MaxSide or > Picture.MaxSide)
        {
            throw new ArgumentOutOfRangeException(
                nameof(pixels),
                pixels,
                $"A mask grows by -{Picture.MaxSide} to {Picture.MaxSide} pixels."
            );
        }

        if (pixels == 0)
        {
            return mask;
        }

        // Drawing in is spreading the rest
        byte flip = pixels < 0 ? (byte)255 : (byte)0;
        var result = new Picture(mask.Width, mask.Height, 1);
        for (int i = 0; i < result.Bytes.Length; i++)
        {
            result.Bytes[i] = (byte)(mask.Bytes[i] ^ flip);
        }

        int radius = Math.Abs(pixels);
        for (int y = 0; y < mask.Height; y++)
        {
            Spread(result.Bytes, y * mask.Width, 1, mask.Width, radius);
        }

        for (int x = 0; x < mask.Width; x++)
        {
            Spread(result.Bytes, x, mask.Width, mask.Height, radius);
        }

        for (int i = 0; flip != 0 && i < result.Bytes.Length; i++)
        {
            result.Bytes[i] ^= flip;
        }

        return result;
    }

    /// <summary>Makes a pixel white where the mask is at least half white, and black elsewhere.</summary>
    public static Picture Binarize(this Picture mask) =>
        new(mask.Width, mask.Height, mask.Channels, Array.ConvertAll(mask.Bytes, value => value >= 128 ? (byte)255 : (byte)0));

    /// <summary>Inverts the mask.</summary>
    public static Picture Invert(this Picture mask) =>
        new(mask.Width, mask.Height, mask.Channels, Array.ConvertAll(mask.Bytes, value => (byte)(255 - value)));

    /// <summary>
    /// The part of a picture to paint alone: everything that <paramref name="mask"/> marks with <paramref name="padding"/> pixels around
    /// it, then extended to the aspect ratio <paramref name="width"/> : <paramref name="height"/> as far as the picture reaches. It equals
    /// diffusers' VaeImageProcessor.get_crop_region, except that an empty mask gives the whole picture, where diffusers fails.
    /// </summary>
    public static PictureRegion CropRegion(this Picture mask, int width, int height, int padding = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        Picture grey = mask.ToGrey();
        if (Bounds(grey) is not { } bounds)
        {
            return new PictureRegion(0, 0, mask.Width, mask.Height);
        }

        (int left, int right) = (Math.Max(bounds.Left - padding, 0), (int)Math.Min((long)bounds.Right + padding, mask.Width));
        (int top, int bottom) = (Math.Max(bounds.Top - padding, 0), (int)Math.Min((long)bounds.Bottom + padding, mask.Height));

        double aspect = (double)(right - left) / (bottom - top);
        double wanted = (double)width / height;
        if (aspect > wanted)
        {
            (top, bottom) = Widen(top, bottom, (right - left) / wanted, mask.Height);
        }
        else
        {
            (left, right) = Widen(left, right, (bottom - top) * wanted, mask.Width);
        }

        return new PictureRegion(left, top, right, bottom);
    }

    /// <summary>
    /// Blends two pictures: <paramref name="painted"/> where <paramref name="mask"/> is white, <paramref name="original"/> where it is
    /// black, and a mixture in between, as diffusers' VaeImageProcessor.apply_overlay. With <paramref name="region"/> the painted picture
    /// is that part of the original, and is first resized to its size.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The mask does not have the original's size, or, without a region, the painted picture does not.
    /// </exception>
    public static Picture Overlay(Picture original, Picture painted, Picture mask, PictureRegion? region = null)
    {
        if (mask.Width != original.Width || mask.Height != original.Height)
        {
            throw new ArgumentException(
                $"The mask has {mask.Width} x {mask.Height} pixels and the picture {original.Width} x {original.Height}.",
                nameof(mask)
            );
        }

        Picture below = painted.DropAlpha();
        if (region is { } part)
        {
            Picture whole = new(original.Width, original.Height, 3);
            whole.Paste(below.Fit(part.Width, part.Height, FitMode.Crop), part.Left, part.Top);
            below = whole;
        }
        else if (below.Width != original.Width || below.Height != original.Height)
        {
            throw new ArgumentException(
                $"The painted picture has {below.Width} x {below.Height} pixels and the original {original.Width} x {original.Height}.",
                nameof(painted)
            );
        }

        Picture above = original.DropAlpha();
        Picture grey = mask.ToGrey();
        var result = new Picture(original.Width, original.Height, 3);
        for (int i = 0; i < grey.Bytes.Length; i++)
        {
            int alpha = 255 - grey.Bytes[i];
            for (int c = 0; c < 3; c++)
            {
                int at = (i * 3) + c;
                result.Bytes[at] = Compose(above.Bytes[at], alpha, below.Bytes[at]);
            }
        }

        return result;
    }

    /// <summary>
    /// Composes one value over another, with the rounding of the reference implementation, which goes through premultiplied pixels: the
    /// value is multiplied by its alpha, divided again, and then composed.
    /// </summary>
    private static byte Compose(byte above, int alpha, byte below)
    {
        if (alpha is 0 or 255)
        {
            return alpha == 0 ? below : above;
        }

        int weighed = Math.Min(255 * Alpha.Multiply(above, alpha) / alpha, 255);

        // Pillow's AlphaComposite over an opaque pixel, in fixed point of 7 bits
        const int Bits = 7;
        int blend = 255 * (255 - alpha);
        int outAlpha = (alpha * 255) + blend;
        int share = alpha * 255 * 255 * (1 << Bits) / outAlpha;
        int rest = (255 * (1 << Bits)) - share;
        int sum = (weighed * share) + (below * rest) + (0x80 << Bits);
        return (byte)(((sum >> 8) + sum) >> 8 >> Bits);
    }

    private static PictureRegion? Bounds(Picture grey)
    {
        int left = grey.Width;
        int right = 0;
        int top = grey.Height;
        int bottom = 0;
        for (int y = 0; y < grey.Height; y++)
        {
            ReadOnlySpan<byte> row = grey.Row(y);
            int first = row.IndexOfAnyExcept((byte)0);
            if (first >= 0)
            {
                left = Math.Min(left, first);
                right = Math.Max(right, row.LastIndexOfAnyExcept((byte)0) + 1);
                top = Math.Min(top, y);
                bottom = y + 1;
            }
        }

        return right == 0 ? null : new PictureRegion(left, top, right, bottom);
    }

    /// <summary>
    /// A range extended to <paramref name="length"/> about its middle, moved where it would leave 0 to <paramref name="limit"/>, and cut
    /// where it is longer than that.
    /// </summary>
    private static (int From, int To) Widen(int from, int to, double length, int limit)
    {
        int more = (int)(length - (to - from));
        from -= more / 2;
        to += more - (more / 2);
        if (to >= limit)
        {
            from -= to - limit;
            to = limit;
        }

        if (from < 0)
        {
            to -= from;
            from = 0;
        }

        return (from, Math.Min(to, limit));
    }

    /// <summary>
    /// The largest value within <paramref name="radius"/>, for each value of a row or column, in linear time by a queue of descending
    /// values.
    /// </summary>
    private static void Spread(byte[] bytes, int start, int step, int count, int radius)
    {
        byte[] values = new byte[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = bytes[start + (i * step)];
        }

        int[] queue = new int[count];
        int head = 0;
        int tail = 0;
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            for (; next < count && next <= (long)i + radius; next++)
            {
                while (tail > head && values[queue[tail - 1]] <= values[next])
                {
                    tail--;
                }

                queue[tail++] = next;
            }

            while (queue[head] < i - radius)
            {
                head++;
            }

            bytes[start + (i * step)] = values[queue[head]];
        }
    }
}
