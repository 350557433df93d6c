using System.Runtime.InteropServices;
using SkiaSharp;

namespace Generation.Imaging.Skia;

/// <summary>Encodes pictures with Skia. Equal pixels and settings give equal bytes.</summary>
internal static unsafe class SkiaEncoder
{
    /// <param name="encode">One of Skia's encoders over the picture's pixels.</param>
    /// <param name="sayColours">
    /// Whether the file is to say that its colours are sRGB; they are assumed to be where it does not say so.
    /// </param>
    public static byte[] Encode(Picture picture, Func<SKPixmap, SKData?> encode, bool sayColours = false)
    {
        using SKColorSpace? colours = sayColours ? SKColorSpace.CreateSrgb() : null;
        SKImageInfo info = PixelRows.Info(picture).WithColorSpace(colours);
        if (picture.Channels != 3)
        {
            fixed (byte* pixels = picture.Bytes)
            {
                return Encode(info, pixels, encode);
            }
        }

        void* four = NativeMemory.Alloc((nuint)picture.Width * (nuint)picture.Height, 4);
        try
        {
            PixelRows.ToFour(picture, four);
            return Encode(info, four, encode);
        }
        finally
        {
            NativeMemory.Free(four);
        }
    }

    private static byte[] Encode(SKImageInfo info, void* pixels, Func<SKPixmap, SKData?> encode)
    {
        using var pixmap = new SKPixmap(info, (nint)pixels);
        using SKData data = encode(pixmap)
            ?? throw new InvalidOperationException($"Skia could not encode {info.Width} x {info.Height} pixels.");
        return data.ToArray();
    }
}
