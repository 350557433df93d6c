namespace Generation.Imaging;

/// <summary>
/// An 8-bit picture in memory: rows from top to bottom, pixels from left to right, channels interleaved, no padding. One channel is grey,
/// three are red, green and blue, four add alpha (not premultiplied). Values are sRGB-coded.
/// </summary>
public sealed class Picture
{
    /// <summary>The largest side that a picture may have, in pixels.</summary>
    public const int MaxSide = 32_768;

    /// <summary>Makes a picture over <paramref name="bytes"/>, without copying them.</summary>
    /// <exception cref="ArgumentException">
    /// The number of bytes is not width x height x channels, or an argument is out of range.
    /// </exception>
    public Picture(int width, int height, int channels, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        long length = Length(width, height, channels);
        if (bytes.LongLength != length)
        {
            throw new ArgumentException(
                $"A picture of {width} x {height} pixels with {channels} channels has {length} bytes, not {bytes.LongLength}.",
                nameof(bytes)
            );
        }

        Width = width;
        Height = height;
        Channels = channels;
        Bytes = bytes;
    }

    /// <summary>Makes a picture of zeros: black, and transparent where it has alpha.</summary>
    public Picture(int width, int height, int channels)
        : this(width, height, channels, new byte[Length(width, height, channels)]) { }

    /// <summary>The width in pixels.</summary>
    public int Width { get; }

    /// <summary>The height in pixels.</summary>
    public int Height { get; }

    /// <summary>The number of channels: 1 (grey), 3 (red, green, blue) or 4 (with alpha).</summary>
    public int Channels { get; }

    /// <summary>The pixels, of shape (height, width, channels); writing changes the picture.</summary>
    public byte[] Bytes { get; }

    /// <summary>The number of bytes from one row to the next.</summary>
    public int Stride => Width * Channels;

    /// <summary>Row <paramref name="y"/>, of shape (width, channels).</summary>
    public Span<byte> Row(int y)
    {
        if ((uint)y >= (uint)Height)
        {
            throw new ArgumentOutOfRangeException(nameof(y), y, $"The picture has {Height} rows.");
        }

        return Bytes.AsSpan(y * Stride, Stride);
    }

    /// <summary>The channels of one pixel.</summary>
    public Span<byte> Pixel(int x, int y)
    {
        if ((uint)x >= (uint)Width)
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, $"The picture has {Width} columns.");
        }

        return Row(y).Slice(x * Channels, Channels);
    }

    /// <summary>
    /// Copies the part of <paramref name="width"/> x <paramref name="height"/> pixels whose upper left corner is at (left, top).
    /// </summary>
    /// <exception cref="ArgumentException">The part reaches beyond the picture.</exception>
    public Picture Crop(int left, int top, int width, int height)
    {
        if (left < 0 || top < 0 || width < 1 || height < 1 || (long)left + width > Width || (long)top + height > Height)
        {
            throw new ArgumentException(
                $"The part {width} x {height} at ({left}, {top}) does not lie within {Width} x {Height} pixels.",
                nameof(left)
            );
        }

        var part = new Picture(width, height, Channels);
        for (int y = 0; y < height; y++)
        {
            Row(top + y).Slice(left * Channels, part.Stride).CopyTo(part.Row(y));
        }

        return part;
    }

    /// <summary>
    /// Returns the picture with three channels: grey is repeated, and alpha is composed over <paramref name="background"/> (red, green,
    /// blue; white by default).
    /// </summary>
    public Picture ToRgb(ReadOnlySpan<byte> background = default)
    {
        if (Channels == 3)
        {
            return this;
        }

        if (background.IsEmpty)
        {
            background = [255, 255, 255];
        }

        var rgb = new Picture(Width, Height, 3);
        byte[] to = rgb.Bytes;
        int pixels = Width * Height;
        for (int i = 0; i < pixels; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                to[(i * 3) + c] = Channels == 1 ? Bytes[i] : Over(Bytes[(i * 4) + c], background[c], Bytes[(i * 4) + 3]);
            }
        }

        return rgb;
    }

    private static byte Over(byte colour, byte background, byte alpha) =>
        (byte)(((colour * alpha) + (background * (255 - alpha)) + 127) / 255);

    private static long Length(int width, int height, int channels)
    {
        if (width is < 1 or > MaxSide)
        {
            throw new ArgumentOutOfRangeException(nameof(width), width, $"A picture is 1 to {MaxSide} pixels wide.");
        }

        if (height is < 1 or > MaxSide)
        {
            throw new ArgumentOutOfRangeException(nameof(height), height, $"A picture is 1 to {MaxSide} pixels high.");
        }

        if (channels is not (1 or 3 or 4))
        {
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "A picture has 1, 3 or 4 channels.");
        }

        long length = (long)width * height * channels;
        return length <= Array.MaxLength
            ? length
            : throw new ArgumentOutOfRangeException(
                nameof(height),
                height,
                $"A picture of {width} x {height} pixels with {channels} channels does not fit into one array."
            );
    }
}
