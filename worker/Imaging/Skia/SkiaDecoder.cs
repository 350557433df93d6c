using System.Runtime.InteropServices;
using SkiaSharp;

namespace Generation.Imaging.Skia;

/// <summary>
/// Decodes picture files with Skia, completely or not at all, and converts them to sRGB by the colour profile that they contain (a damaged
/// one is ignored). The caller must have checked the file's header and its limits before.
/// </summary>
internal static unsafe class SkiaDecoder
{
    /// <summary>
    /// Returns the picture as it is stored, not rotated: with four channels where the file has alpha, one where it has no colour, else
    /// three. Of an animation it is the first frame.
    /// </summary>
    /// <param name="width">The width in pixels that the caller read from the header.</param>
    /// <param name="height">The height in pixels that the caller read from the header.</param>
    /// <param name="damaged">Makes the exception for a file that cannot be decoded.</param>
    /// <param name="colours">
    /// The colour space of the samples, where Skia does not read it from the file itself; null for that of the file.
    /// </param>
    /// <exception cref="PictureException">The data is damaged or ends early.</exception>
    public static Picture Decode(
        ReadOnlySpan<byte> file,
        int width,
        int height,
        Func<string, PictureException> damaged,
        SKColorSpace? colours = null
    )
    {
        fixed (byte* bytes = file)
        {
            using var data = SKData.Create((nint)bytes, file.Length);
            using SKCodec codec = SKCodec.Create(data) ?? throw damaged("its header cannot be read");
            SKImageInfo told = codec.Info;
            if (told.Width != width || told.Height != height)
            {
                throw damaged($"one place says {width} x {height} pixels, another {told.Width} x {told.Height}");
            }

            int channels =
                told.AlphaType != SKAlphaType.Opaque ? 4
                : told.ColorType == SKColorType.Gray8 ? 1
                : 3;
            var picture = new Picture(width, height, channels);
            if (channels != 3)
            {
                fixed (byte* pixels = picture.Bytes)
                {
                    Decode(codec, pixels, picture, damaged, colours);
                }

                return picture;
            }

            // Skia has no pixels of three bytes
            void* four = NativeMemory.Alloc((nuint)width * (nuint)height, 4);
            try
            {
                Decode(codec, four, picture, damaged, colours);
                PixelRows.FromFour(four, picture);
            }
            finally
            {
                NativeMemory.Free(four);
            }

            return picture;
        }
    }

    private static void Decode(SKCodec codec, void* pixels, Picture picture, Func<string, PictureException> damaged, SKColorSpace? colours)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        SKImageInfo wanted = PixelRows.Info(picture).WithColorSpace(srgb);
        SKImageInfo asked = colours is null ? wanted : wanted.WithColorSpace(null);
        SKCodecResult result = codec.GetPixels(asked, (nint)pixels, asked.RowBytes, new SKCodecOptions(frameIndex: 0));
        if (result != SKCodecResult.Success)
        {
            throw damaged(
                result == SKCodecResult.IncompleteInput ? "its picture data ends early" : $"its picture data cannot be decoded ({result})"
            );
        }

        if (colours is not null)
        {
            using var coded = new SKPixmap(wanted.WithColorSpace(colours), (nint)pixels);
            if (!coded.ReadPixels(wanted, (nint)pixels, wanted.RowBytes))
            {
                throw damaged("its colours cannot be brought to sRGB");
            }
        }
    }
}
