using System.Runtime.InteropServices;
using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>The width and height of a run's pictures, in pixels.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PictureSize(int Width, int Height)
{
    /// <summary>The size that the settings ask for, or <paramref name="otherwise"/> where they do not.</summary>
    /// <param name="multiple">Pixels per latent: both sides must be multiples of it.</param>
    /// <exception cref="SettingException">A side is not positive, or no multiple.</exception>
    public static PictureSize Of(DiffusionSettings settings, PictureSize otherwise, int multiple)
    {
        var size = new PictureSize(settings.Width ?? otherwise.Width, settings.Height ?? otherwise.Height);
        Check("width", size.Width, multiple);
        Check("height", size.Height, multiple);
        return size;
    }

    /// <summary>A picture's own size, with each side rounded down to a multiple.</summary>
    /// <exception cref="SettingException">The picture is smaller than one multiple.</exception>
    public static PictureSize Cut(Picture picture, int multiple)
    {
        var size = new PictureSize(picture.Width - (picture.Width % multiple), picture.Height - (picture.Height % multiple));
        return size.Width > 0 && size.Height > 0
            ? size
            : throw new SettingException(
                "image",
                $"is {picture.Width} x {picture.Height} pixels and must have at least {multiple} on each side."
            );
    }

    private static void Check(string field, int value, int multiple)
    {
        if (value < multiple || value % multiple != 0)
        {
            throw new SettingException(field, $"is {value} and must be a multiple of {multiple}, from {multiple} up.");
        }
    }
}
