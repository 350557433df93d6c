namespace Generation.Imaging.Resizing;

/// <summary>
/// Prepares pictures for CLIP vision models, as transformers' CLIPImageProcessor does: the shorter side is resized with the bicubic filter,
/// the middle is cropped, and each channel is normalised with the mean and standard deviation of the pictures that CLIP was trained on.
/// </summary>
public static class ClipImageProcessor
{
    private static readonly float[] Mean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] Deviation = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>Returns values of shape (3, <paramref name="size"/>, <paramref name="size"/>), red first. Alpha is dropped.</summary>
    public static float[] Prepare(Picture picture, int size)
    {
        Picture rgb = picture.DropAlpha();
        bool upright = rgb.Width <= rgb.Height;
        long longer = (long)size * (upright ? rgb.Height : rgb.Width) / (upright ? rgb.Width : rgb.Height);
        (long width, long height) scaled = upright ? (size, longer) : (longer, size);
        Picture middle = rgb.ResizePart(
            scaled,
            ResamplingFilter.Bicubic,
            ((scaled.width - size) / 2, (scaled.height - size) / 2, size, size)
        );

        float[] values = new float[3 * size * size];
        int plane = size * size;
        for (int i = 0; i < plane; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                values[(c * plane) + i] = ((middle.Bytes[(i * 3) + c] / 255f) - Mean[c]) / Deviation[c];
            }
        }

        return values;
    }
}
