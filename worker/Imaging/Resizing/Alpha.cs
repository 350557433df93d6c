namespace Generation.Imaging.Resizing;

/// <summary>Multiplies colours by their alpha and divides them again, with Pillow's rounding (src/libImaging/Convert.c).</summary>
internal static class Alpha
{
    public static Picture Premultiply(Picture picture)
    {
        var result = new Picture(picture.Width, picture.Height, 4);
        ReadOnlySpan<byte> from = picture.Bytes;
        Span<byte> to = result.Bytes;
        for (int i = 0; i < from.Length; i += 4)
        {
            byte alpha = from[i + 3];
            for (int c = 0; c < 3; c++)
            {
                to[i + c] = Multiply(from[i + c], alpha);
            }

            to[i + 3] = alpha;
        }

        return result;
    }

    public static Picture Unpremultiply(Picture picture)
    {
        var result = new Picture(picture.Width, picture.Height, 4);
        ReadOnlySpan<byte> from = picture.Bytes;
        Span<byte> to = result.Bytes;
        for (int i = 0; i < from.Length; i += 4)
        {
            byte alpha = from[i + 3];
            for (int c = 0; c < 3; c++)
            {
                to[i + c] = alpha is 0 or 255 ? from[i + c] : (byte)Math.Min(255 * from[i + c] / alpha, 255);
            }

            to[i + 3] = alpha;
        }

        return result;
    }

    /// <summary>Multiplies two values as fractions of 255, and rounds.</summary>
    public static byte Multiply(int a, int b)
    {
        int product = (a * b) + 128;
        return (byte)(((product >> 8) + product) >> 8);
    }
}
