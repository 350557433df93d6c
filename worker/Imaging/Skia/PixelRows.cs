using System.Runtime.CompilerServices;
using SkiaSharp;

namespace Generation.Imaging.Skia;

/// <summary>
/// Converts pixels between our layout and Skia's: one byte for grey, four with alpha, and four, the last always 255, without alpha.
/// </summary>
internal static unsafe class PixelRows
{
    /// <summary>The layout of a picture's pixels in Skia's memory, without padding; values are not premultiplied.</summary>
    public static SKImageInfo Info(Picture picture) =>
        picture.Channels switch
        {
            1 => new SKImageInfo(picture.Width, picture.Height, SKColorType.Gray8, SKAlphaType.Opaque),
            3 => new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque),
            _ => new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul),
        };

    /// <summary>Fills <paramref name="picture"/>, of three channels, from pixels of four bytes.</summary>
    public static void FromFour(void* four, Picture picture)
    {
        fixed (byte* first = picture.Bytes)
        {
            uint* from = (uint*)four;
            byte* to = first;
            // The last pixel has no fourth byte to write to
            for (uint* last = from + (picture.Width * picture.Height) - 1; from < last; from++, to += 3)
            {
                Unsafe.WriteUnaligned(to, *from);
            }

            (to[0], to[1], to[2]) = ((byte)*from, (byte)(*from >> 8), (byte)(*from >> 16));
        }
    }

    /// <summary>Fills pixels of four bytes, the last of them 255, from <paramref name="picture"/>, of three channels.</summary>
    public static void ToFour(Picture picture, void* four)
    {
        fixed (byte* first = picture.Bytes)
        {
            byte* from = first;
            uint* to = (uint*)four;
            for (uint* last = to + (picture.Width * picture.Height) - 1; to < last; to++, from += 3)
            {
                *to = Unsafe.ReadUnaligned<uint>(from) | 0xFF00_0000;
            }

            *to = from[0] | ((uint)from[1] << 8) | ((uint)from[2] << 16) | 0xFF00_0000;
        }
    }
}
