namespace Generation.Imaging;

/// <summary>The limits on the size of picture files. They are checked by the header, before memory is allocated for the picture.</summary>
public sealed record PictureLimits
{
    public static PictureLimits Default { get; } = new();

    /// <summary>The largest encoded file, in bytes.</summary>
    public long MaxBytes { get; init; } = 50L * 1024 * 1024;

    /// <summary>The longest side, in pixels.</summary>
    public int MaxSide { get; init; } = 16_384;

    /// <summary>The largest product of width and height, in pixels.</summary>
    public long MaxPixels { get; init; } = 40_000_000;

    internal void CheckBytes(long bytes)
    {
        if (bytes > MaxBytes)
        {
            throw new PictureException(PictureFault.TooLarge, $"The picture file has {bytes} bytes; at most {MaxBytes} are read.");
        }
    }

    internal void CheckSize(long width, long height)
    {
        if (width < 1 || height < 1)
        {
            throw new PictureException(PictureFault.Damaged, $"The picture has no pixels: its size is {width} x {height}.");
        }

        int maxSide = Math.Min(MaxSide, Picture.MaxSide);
        if (width > maxSide || height > maxSide)
        {
            throw new PictureException(
                PictureFault.TooLarge,
                $"The picture is {width} x {height} pixels; a side may have at most {maxSide}."
            );
        }

        if (width * height > MaxPixels)
        {
            throw new PictureException(
                PictureFault.TooLarge,
                $"The picture is {width} x {height} pixels, {width * height} in all; at most {MaxPixels} are read."
            );
        }
    }
}
