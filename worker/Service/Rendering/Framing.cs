using Generation.Imaging;

namespace Generation.Worker.Rendering;

/// <summary>Brings a picture to the asked size: the largest middle part of the asked aspect, resized to the pixel.</summary>
internal static class Framing
{
    public static Picture Fit(Picture picture, int width, int height)
    {
        if ((picture.Width, picture.Height) == (width, height))
        {
            return picture;
        }

        // Whichever side is too long for the aspect is cut, to the nearest pixel
        long wide = (long)picture.Width * height;
        long high = (long)picture.Height * width;
        int cropWidth = wide > high ? Math.Clamp((int)Math.Round((double)high / height), 1, picture.Width) : picture.Width;
        int cropHeight = high > wide ? Math.Clamp((int)Math.Round((double)wide / width), 1, picture.Height) : picture.Height;
        Picture part = (cropWidth, cropHeight) == (picture.Width, picture.Height)
            ? picture
            : picture.Crop((picture.Width - cropWidth) / 2, (picture.Height - cropHeight) / 2, cropWidth, cropHeight);
        return (part.Width, part.Height) == (width, height) ? part : Lanczos.Resize(part, width, height);
    }
}
