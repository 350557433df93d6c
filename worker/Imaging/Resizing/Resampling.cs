using System.Numerics;

namespace Generation.Imaging.Resizing;

/// <summary>Resizes pictures, equal to the byte to Pillow's Image.resize (two passes of integer arithmetic).</summary>
public static class Resampling
{
    /// <summary>
    /// Returns <paramref name="picture"/> in another size. Where it becomes smaller, the filter covers every old pixel (antialiasing).
    /// Where there is alpha, colours are weighted by it. For the same size the same picture is returned, not a copy.
    /// </summary>
    public static Picture Resize(this Picture picture, int width, int height, ResamplingFilter filter = ResamplingFilter.Lanczos) =>
        picture.Width == width && picture.Height == height
            ? picture
            : picture.Resize(width, height, filter, 0, 0, picture.Width, picture.Height);

    /// <summary>
    /// Returns the part of <paramref name="picture"/> between (left, top) and (right, bottom), which may be fractions of pixels, in another
    /// size.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is outside of the picture, or its corners are exchanged.</exception>
    public static Picture Resize(
        this Picture picture,
        int width,
        int height,
        ResamplingFilter filter,
        double left,
        double top,
        double right,
        double bottom
    )
    {
        if (!(left >= 0 && top >= 0 && right >= left && bottom >= top && right <= picture.Width && bottom <= picture.Height))
        {
            throw new ArgumentOutOfRangeException(
                nameof(left),
                $"The part from ({left}, {top}) to ({right}, {bottom}) does not lie within {picture.Width} x {picture.Height} pixels."
            );
        }

        if (filter == ResamplingFilter.Nearest)
        {
            return PickNearest(picture, width, height, left, top, right, bottom);
        }

        Picture result = picture.Channels == 4 ? Alpha.Premultiply(picture) : picture;
        if (width != picture.Width || left != 0 || right != width)
        {
            result = ResizeRows(result, width, new ResamplingWeights(filter, picture.Width, left, right, width));
        }

        if (height != picture.Height || top != 0 || bottom != height)
        {
            result = ResizeColumns(result, height, new ResamplingWeights(filter, picture.Height, top, bottom, height));
        }

        return picture.Channels == 4 ? Alpha.Unpremultiply(result) : result;
    }

    /// <summary>
    /// Returns a part of what <see cref="Resize(Picture, int, int, ResamplingFilter)"/> would return, from (left, top) on. Only that part is
    /// computed: the whole of a picture that is long and narrow may be too large for any memory where its narrow side is scaled to a size.
    /// </summary>
    /// <param name="picture">The picture.</param>
    /// <param name="size">Width and height that the whole picture would have.</param>
    /// <param name="filter">Any but the nearest pixel's.</param>
    /// <param name="part">Which part of it is returned.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is outside of the size.</exception>
    public static Picture ResizePart(
        this Picture picture,
        (long Width, long Height) size,
        ResamplingFilter filter,
        (long Left, long Top, int Width, int Height) part
    )
    {
        if (part.Left < 0 || part.Top < 0 || part.Left + part.Width > size.Width || part.Top + part.Height > size.Height)
        {
            throw new ArgumentOutOfRangeException(nameof(part), part, $"The part does not lie within {size}.");
        }

        if (size == (picture.Width, picture.Height))
        {
            return picture.Crop((int)part.Left, (int)part.Top, part.Width, part.Height);
        }

        Picture result = picture.Channels == 4 ? Alpha.Premultiply(picture) : picture;
        result =
            size.Width == picture.Width
                ? result.Crop((int)part.Left, 0, part.Width, result.Height)
                : ResizeRows(
                    result,
                    part.Width,
                    new ResamplingWeights(filter, picture.Width, 0, picture.Width, size.Width, part.Left, part.Width)
                );
        result =
            size.Height == picture.Height
                ? result.Crop(0, (int)part.Top, part.Width, part.Height)
                : ResizeColumns(
                    result,
                    part.Height,
                    new ResamplingWeights(filter, picture.Height, 0, picture.Height, size.Height, part.Top, part.Height)
                );
        return picture.Channels == 4 ? Alpha.Unpremultiply(result) : result;
    }

    private static Picture ResizeRows(Picture picture, int width, ResamplingWeights weights)
    {
        int channels = picture.Channels;
        var result = new Picture(width, picture.Height, channels);
        for (int y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> from = picture.Row(y);
            Span<byte> to = result.Row(y);
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<int> factors = weights.Weights(x);
                ReadOnlySpan<byte> pixels = from.Slice(weights.Start(x) * channels, factors.Length * channels);
                if (channels == 3)
                {
                    int red = 1 << (ResamplingWeights.Bits - 1);
                    int green = red;
                    int blue = red;
                    for (int k = 0; k < factors.Length; k++)
                    {
                        red += pixels[k * 3] * factors[k];
                        green += pixels[(k * 3) + 1] * factors[k];
                        blue += pixels[(k * 3) + 2] * factors[k];
                    }

                    (to[x * 3], to[(x * 3) + 1], to[(x * 3) + 2]) = (Clip(red), Clip(green), Clip(blue));
                    continue;
                }

                for (int c = 0; c < channels; c++)
                {
                    int sum = 1 << (ResamplingWeights.Bits - 1);
                    for (int k = 0; k < factors.Length; k++)
                    {
                        sum += pixels[(k * channels) + c] * factors[k];
                    }

                    to[(x * channels) + c] = Clip(sum);
                }
            }
        }

        return result;
    }

    private static Picture ResizeColumns(Picture picture, int height, ResamplingWeights weights)
    {
        var result = new Picture(picture.Width, height, picture.Channels);
        int stride = picture.Stride;
        int[] sums = new int[stride];
        for (int y = 0; y < height; y++)
        {
            sums.AsSpan().Fill(1 << (ResamplingWeights.Bits - 1));
            ReadOnlySpan<int> factors = weights.Weights(y);
            for (int k = 0; k < factors.Length; k++)
            {
                AddRow(sums, picture.Row(weights.Start(y) + k), factors[k]);
            }

            Span<byte> to = result.Row(y);
            for (int i = 0; i < stride; i++)
            {
                to[i] = Clip(sums[i]);
            }
        }

        return result;
    }

    /// <summary>Computes sums += row * factor, by vectors where the processor has them.</summary>
    private static void AddRow(Span<int> sums, ReadOnlySpan<byte> row, int factor)
    {
        int i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(row[i..]), out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> first, out Vector<uint> second);
            Vector.Widen(high, out Vector<uint> third, out Vector<uint> fourth);
            Span<int> at = sums[i..];
            Add(at, Vector.AsVectorInt32(first) * factor);
            Add(at[Vector<int>.Count..], Vector.AsVectorInt32(second) * factor);
            Add(at[(2 * Vector<int>.Count)..], Vector.AsVectorInt32(third) * factor);
            Add(at[(3 * Vector<int>.Count)..], Vector.AsVectorInt32(fourth) * factor);
        }

        for (; i < row.Length; i++)
        {
            sums[i] += row[i] * factor;
        }

        static void Add(Span<int> to, Vector<int> value) => (new Vector<int>(to) + value).CopyTo(to);
    }

    private static Picture PickNearest(Picture picture, int width, int height, double left, double top, double right, double bottom)
    {
        int channels = picture.Channels;
        var result = new Picture(width, height, channels);
        int[] columns = Places(left, right, width, picture.Width);
        int[] rows = Places(top, bottom, height, picture.Height);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = picture.Row(rows[y]);
            Span<byte> to = result.Row(y);
            for (int x = 0; x < width; x++)
            {
                from.Slice(columns[x] * channels, channels).CopyTo(to[(x * channels)..]);
            }
        }

        return result;
    }

    // The place is a running sum, as in the reference: a product would round otherwise
    private static int[] Places(double from, double to, int newSize, int oldSize)
    {
        double scale = (to - from) / newSize;
        double at = from + (scale * 0.5);
        int[] places = new int[newSize];
        for (int i = 0; i < newSize; i++, at += scale)
        {
            places[i] = Math.Clamp((int)at, 0, oldSize - 1);
        }

        return places;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResamplingWeights.Bits, 0, 255);
}
