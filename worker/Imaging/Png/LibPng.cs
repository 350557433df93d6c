using System.Runtime.InteropServices;

namespace Generation.Imaging.Png;

/// <summary>
/// libpng's simplified interface (png.h, section "Simplified API"). It catches libpng's jumps inside the library
/// and answers 0 with a message, so none crosses managed frames.
/// </summary>
internal static unsafe partial class LibPng
{
    private const string Library = "libpng16.so.16";

    /// <summary>PNG_IMAGE_VERSION.</summary>
    public const uint ImageVersion = 1;

    /// <summary>PNG_FORMAT_FLAG_ALPHA.</summary>
    public const uint Alpha = 0x01;

    /// <summary>PNG_FORMAT_FLAG_COLOR.</summary>
    public const uint Colour = 0x02;

    /// <summary>PNG_IMAGE_FLAG_16BIT_sRGB: 16-bit samples are coded as 8-bit ones are, not linear light.</summary>
    public const uint SixteenBitIsSrgb = 0x04;

    /// <summary>png_image.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Image
    {
        public nint Opaque;
        public uint Version;
        public uint Width;
        public uint Height;
        public uint Format;
        public uint Flags;
        public uint ColormapEntries;
        public uint WarningOrError;
        public fixed byte Message[64];
    }

    /// <summary>What the library said last, for people.</summary>
    public static string Message(ref readonly Image image)
    {
        fixed (byte* message = image.Message)
        {
            return Marshal.PtrToStringUTF8((nint)message) ?? "";
        }
    }

    [LibraryImport(Library, EntryPoint = "png_image_begin_read_from_memory")]
    public static partial int BeginRead(ref Image image, byte* memory, nuint size);

    [LibraryImport(Library, EntryPoint = "png_image_finish_read")]
    public static partial int FinishRead(ref Image image, nint background, byte* buffer, int rowStride, nint colormap);

    [LibraryImport(Library, EntryPoint = "png_image_write_to_memory")]
    public static partial int Write(
        ref Image image, byte* memory, ref nuint memoryBytes, int convertTo8Bit, byte* buffer, int rowStride, nint colormap);

    [LibraryImport(Library, EntryPoint = "png_image_free")]
    public static partial void Free(ref Image image);

    /// <summary>zlib's crc32, the checksum of PNG's chunks; libpng stands on zlib, so it is there.</summary>
    [LibraryImport("libz.so.1", EntryPoint = "crc32")]
    public static partial nuint Crc32(nuint crc, byte* bytes, uint length);
}
