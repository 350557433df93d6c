using Generation.Imaging.Masks;

namespace Generation.Imaging.Outpainting;

/// <summary>
/// Removes the step in colour at the border between a picture and what a network drew beside it. Close to the border the drawn part gets,
/// on average, the colours of the picture's edge, as the canvas extends them; with the distance it approaches its own colours. Detail stays
/// as it was drawn.
/// </summary>
internal static class ColourMatch
{
    /// <summary>The radius over which colours are averaged, in pixels.</summary>
    private const int Radius = 8;

    /// <summary>
    /// The least distance over which the drawn part approaches its own colours, in pixels: over a shorter one, white beside black would be
    /// a visible ramp.
    /// </summary>
    private const int LeastFade = 96;

    /// <summary>Returns the drawn picture with its colours matched to the canvas's along the borders of <paramref name="kept"/>.</summary>
    /// <param name="drawn">The drawn picture, of the canvas's size.</param>
    /// <param name="canvas">The picture with its extended edges around it.</param>
    /// <param name="kept">Where the picture is on the canvas, including what is drawn again along its edges.</param>
    public static Picture Apply(Picture drawn, Picture canvas, PictureRegion kept)
    {
        int largest = Math.Max(Math.Max(kept.Left, canvas.Width - kept.Right), Math.Max(kept.Top, canvas.Height - kept.Bottom));
        double fade = Math.Max(LeastFade, largest);
        int[] sums = DifferenceSums(drawn, canvas);
        var matched = new Picture(drawn.Width, drawn.Height, 3);
        for (int y = 0; y < drawn.Height; y++)
        {
            int awayY = y - Math.Clamp(y, kept.Top, kept.Bottom - 1);
            int top = Math.Max(0, y - Radius);
            int bottom = Math.Min(drawn.Height, y + Radius + 1);
            for (int x = 0; x < drawn.Width; x++)
            {
                int awayX = x - Math.Clamp(x, kept.Left, kept.Right - 1);
                double share = Math.Max(0, 1 - (Math.Sqrt((awayX * awayX) + (awayY * awayY)) / fade));
                int left = Math.Max(0, x - Radius);
                int right = Math.Min(drawn.Width, x + Radius + 1);
                double weight = share / ((right - left) * (bottom - top));
                ReadOnlySpan<byte> from = drawn.Pixel(x, y);
                Span<byte> to = matched.Pixel(x, y);
                for (int c = 0; c < 3; c++)
                {
                    int sum = At(right, bottom, c) - At(left, bottom, c) - At(right, top, c) + At(left, top, c);
                    to[c] = (byte)Math.Clamp(Math.Round(from[c] + (weight * sum)), 0, 255);
                }
            }
        }

        return matched;

        int At(int x, int y, int c) => sums[(((y * (drawn.Width + 1)) + x) * 3) + c];
    }

    /// <summary>The sums of canvas minus drawn over all rectangles from the corner: a summed-area table. Crow, 1984.</summary>
    private static int[] DifferenceSums(Picture drawn, Picture canvas)
    {
        int stride = (drawn.Width + 1) * 3;
        int[] sums = new int[(drawn.Height + 1) * stride];
        for (int y = 0; y < drawn.Height; y++)
        {
            ReadOnlySpan<byte> above = canvas.Row(y);
            ReadOnlySpan<byte> below = drawn.Row(y);
            for (int i = 0; i < above.Length; i++)
            {
                int at = ((y + 1) * stride) + i + 3;
                sums[at] = above[i] - below[i] + sums[at - 3] + sums[at - stride] - sums[at - stride - 3];
            }
        }

        return sums;
    }
}
