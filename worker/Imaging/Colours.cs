namespace Generation.Imaging;

/// <summary>Changes a picture's channels, as Pillow's Image.convert does.</summary>
public static class Colours
{
    /// <summary>Returns the picture with three channels: grey is repeated, and alpha is dropped, whatever colours it hides.</summary>
    public static Picture DropAlpha(this Picture picture)
    {
        if (picture.Channels == 3)
        {
            return picture;
        }

        var rgb = new Picture(picture.Width, picture.Height, 3);
        int channels = picture.Channels;
        int green = channels == 1 ? 0 : 1;
        int blue = channels == 1 ? 0 : 2;
        ReadOnlySpan<byte> from = picture.Bytes;
        Span<byte> to = rgb.Bytes;
        for (int i = 0, j = 0; i < from.Length; i += channels, j += 3)
        {
            (to[j], to[j + 1], to[j + 2]) = (from[i], from[i + green], from[i + blue]);
        }

        return rgb;
    }

    /// <summary>Returns the picture with one channel, the luma of ITU-R BT.601; alpha is dropped.</summary>
    public static Picture ToGrey(this Picture picture)
    {
        if (picture.Channels == 1)
        {
            return picture;
        }

        var grey = new Picture(picture.Width, picture.Height, 1);
        ReadOnlySpan<byte> from = picture.Bytes;
        for (int i = 0, j = 0; i < from.Length; i += picture.Channels, j++)
        {
            grey.Bytes[j] = (byte)(((from[i] * 19595) + (from[i + 1] * 38470) + (from[i + 2] * 7471) + 0x8000) >> 16);
        }

        return grey;
    }

    /// <summary>Returns alpha as a grey picture, which is white where the picture has none.</summary>
    public static Picture AlphaChannel(this Picture picture)
    {
        var alpha = new Picture(picture.Width, picture.Height, 1);
        if (picture.Channels != 4)
        {
            alpha.Bytes.AsSpan().Fill(255);
            return alpha;
        }

        for (int i = 0; i < alpha.Bytes.Length; i++)
        {
            alpha.Bytes[i] = picture.Bytes[(i * 4) + 3];
        }

        return alpha;
    }

    /// <summary>
    /// Returns the picture with four channels: its colours, and <paramref name="alpha"/>, a grey picture of the same size.
    /// </summary>
    /// <exception cref="ArgumentException">The alpha picture has another size or several channels.</exception>
    public static Picture WithAlpha(this Picture picture, Picture alpha)
    {
        if (alpha.Channels != 1 || alpha.Width != picture.Width || alpha.Height != picture.Height)
        {
            throw new ArgumentException(
                $"Alpha is {alpha.Width} x {alpha.Height} with {alpha.Channels} channels and must be {picture.Width} x {picture.Height} "
                    + "with one.",
                nameof(alpha)
            );
        }

        Picture colours = picture.DropAlpha();
        var result = new Picture(picture.Width, picture.Height, 4);
        for (int i = 0; i < alpha.Bytes.Length; i++)
        {
            colours.Bytes.AsSpan(i * 3, 3).CopyTo(result.Bytes.AsSpan(i * 4));
            result.Bytes[(i * 4) + 3] = alpha.Bytes[i];
        }

        return result;
    }
}
