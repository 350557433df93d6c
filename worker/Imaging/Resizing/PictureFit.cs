namespace Generation.Imaging.Resizing;

/// <summary>The ways to resize a picture to another aspect ratio.</summary>
public enum FitMode
{
    /// <summary>The picture is stretched.</summary>
    Stretch = 0,

    /// <summary>The picture is scaled to cover the size, and what is outside is cropped evenly.</summary>
    Crop = 1,

    /// <summary>The picture is scaled to lie within the size, and the rest is filled with the colours at its edges.</summary>
    Fill = 2,
}

/// <summary>Resizes pictures as diffusers' VaeImageProcessor does (resize_mode default, crop, fill), with the Lanczos filter.</summary>
public static class PictureFit
{
    public static Picture Fit(this Picture picture, int width, int height, FitMode mode = FitMode.Stretch) =>
        mode switch
        {
            FitMode.Stretch => picture.Resize(width, height),
            FitMode.Crop => Crop(picture, width, height),
            FitMode.Fill => Fill(picture, width, height),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a way to fit a picture."),
        };

    /// <summary>
    /// Pastes <paramref name="part"/> over <paramref name="picture"/>, with its upper left corner at (left, top); what is outside is
    /// ignored.
    /// </summary>
    public static void Paste(this Picture picture, Picture part, int left, int top)
    {
        if (picture.Channels != part.Channels)
        {
            throw new ArgumentException(
                $"A picture with {part.Channels} channels cannot be laid over one with {picture.Channels}.",
                nameof(part)
            );
        }

        int first = Math.Max(0, -left);
        int count = Math.Min(part.Width, picture.Width - left) - first;
        for (int y = Math.Max(0, -top); count > 0 && y < part.Height && top + y < picture.Height; y++)
        {
            part.Row(y)
                .Slice(first * part.Channels, count * part.Channels)
                .CopyTo(picture.Row(top + y)[((left + first) * part.Channels)..]);
        }
    }

    private static Picture Crop(Picture picture, int width, int height)
    {
        (long width, long height) scaled = IsWider(picture, width, height)
            ? ((long)picture.Width * height / picture.Height, height)
            : (width, (long)picture.Height * width / picture.Width);
        return picture.ResizePart(
            scaled,
            ResamplingFilter.Lanczos,
            ((scaled.width / 2) - (width / 2), (scaled.height / 2) - (height / 2), width, height)
        );
    }

    private static Picture Fill(Picture picture, int width, int height)
    {
        bool wider = IsWider(picture, width, height);
        Picture scaled = wider ? AtWidth(picture, width) : AtHeight(picture, height);
        var result = new Picture(width, height, picture.Channels);
        int left = (width / 2) - (scaled.Width / 2);
        int top = (height / 2) - (scaled.Height / 2);
        result.Paste(scaled, left, top);

        int right = width - left - scaled.Width;
        int bottom = height - top - scaled.Height;
        Bar(0, 0, width, top, 0);
        Bar(0, height - bottom, width, bottom, scaled.Height);
        Bar(0, 0, left, height, 0);
        Bar(width - right, 0, right, height, scaled.Width);
        return result;

        // As the reference does it: a part without height (or width) at the edge, resampled, which draws the edge out
        void Bar(int x, int y, int w, int h, double edge)
        {
            if (w > 0 && h > 0)
            {
                result.Paste(
                    w == width
                        ? scaled.Resize(w, h, ResamplingFilter.Bicubic, 0, edge, scaled.Width, edge)
                        : scaled.Resize(w, h, ResamplingFilter.Bicubic, edge, 0, edge, scaled.Height),
                    x,
                    y
                );
            }
        }
    }

    private static bool IsWider(Picture picture, int width, int height) => (long)width * picture.Height < (long)picture.Width * height;

    private static Picture AtWidth(Picture picture, int width) =>
        picture.Resize(width, Math.Max(1, (int)((long)picture.Height * width / picture.Width)));

    private static Picture AtHeight(Picture picture, int height) =>
        picture.Resize(Math.Max(1, (int)((long)picture.Width * height / picture.Height)), height);
}
