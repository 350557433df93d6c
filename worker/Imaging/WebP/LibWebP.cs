using System.Runtime.InteropServices;

namespace Generation.Imaging.WebP;

/// <summary>libwebp's simple interface (webp/decode.h, webp/encode.h).</summary>
internal static unsafe partial class LibWebP
{
    private const string Library = "libwebp.so.7";

    /// <summary>WEBP_DECODER_ABI_VERSION; the library checks the upper byte.</summary>
    public const int DecoderAbi = 0x0209;

    /// <summary>WebPBitstreamFeatures.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Features
    {
        public int Width;
        public int Height;
        public int HasAlpha;
        public int HasAnimation;
        public int Format;
        private fixed uint _pad[5];
    }

    [LibraryImport(Library, EntryPoint = "WebPGetFeaturesInternal")]
    public static partial int GetFeatures(byte* file, nuint size, out Features features, int abi);

    [LibraryImport(Library, EntryPoint = "WebPDecodeRGBInto")]
    public static partial nint DecodeRgb(byte* file, nuint size, byte* pixels, nuint pixelBytes, int stride);

    [LibraryImport(Library, EntryPoint = "WebPDecodeRGBAInto")]
    public static partial nint DecodeRgba(byte* file, nuint size, byte* pixels, nuint pixelBytes, int stride);

    [LibraryImport(Library, EntryPoint = "WebPEncodeRGB")]
    public static partial nuint EncodeRgb(byte* pixels, int width, int height, int stride, float quality, out byte* file);

    [LibraryImport(Library, EntryPoint = "WebPEncodeRGBA")]
    public static partial nuint EncodeRgba(byte* pixels, int width, int height, int stride, float quality, out byte* file);

    [LibraryImport(Library, EntryPoint = "WebPFree")]
    public static partial void Free(byte* buffer);
}
