namespace Generation.Imaging.Exif;

/// <summary>
/// How a stored picture has to be rotated or mirrored for viewing: the value 1 to 8 of the EXIF tag Orientation. EXIF 2.32, section 4.6.4.
/// </summary>
public readonly record struct Orientation
{
    private readonly byte _value;

    /// <summary>Makes an orientation from its value in files.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not 1 to 8.</exception>
    public Orientation(int value)
    {
        if (value is < 1 or > 8)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "An orientation is from 1 to 8.");
        }

        // The default value of the type is "as it stands", too
        _value = (byte)(value - 1);
    }

    public int Value => _value + 1;

    /// <summary>Whether width and height are exchanged.</summary>
    public bool SwapsSides => Value >= 5;

    /// <summary>Returns the picture as it is to be viewed, or the same picture where it is upright already.</summary>
    public Picture Apply(Picture picture)
    {
        if (Value == 1)
        {
            return picture;
        }

        int width = SwapsSides ? picture.Height : picture.Width;
        int height = SwapsSides ? picture.Width : picture.Height;
        var turned = new Picture(width, height, picture.Channels);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                (int fromX, int fromY) = Value switch
                {
                    2 => (picture.Width - 1 - x, y),
                    3 => (picture.Width - 1 - x, picture.Height - 1 - y),
                    4 => (x, picture.Height - 1 - y),
                    5 => (y, x),
                    6 => (y, picture.Height - 1 - x),
                    7 => (picture.Width - 1 - y, picture.Height - 1 - x),
                    _ => (picture.Width - 1 - y, x),
                };
                picture.Pixel(fromX, fromY).CopyTo(turned.Pixel(x, y));
            }
        }

        return turned;
    }
}
