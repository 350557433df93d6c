using System.Runtime.InteropServices;

namespace Generation.Imaging.Jpeg;

/// <summary>
/// The TurboJPEG interface of libjpeg-turbo (turbojpeg.h, the functions that versions 2 and 3 share). It catches the
/// library's jumps inside and answers -1 with a message, so none crosses managed frames.
/// </summary>
internal static unsafe partial class LibTurboJpeg
{
    private const string Library = "libturbojpeg.so.0";

    /// <summary>TJPF_RGB.</summary>
    public const int PixelsRgb = 0;

    /// <summary>TJPF_GRAY.</summary>
    public const int PixelsGrey = 6;

    /// <summary>TJPF_CMYK.</summary>
    public const int PixelsCmyk = 11;

    /// <summary>TJCS_GRAY, TJCS_CMYK and TJCS_YCCK.</summary>
    public const int ColourGrey = 2;

    public const int ColourCmyk = 3;

    public const int ColourYcck = 4;

    /// <summary>TJSAMP_444, TJSAMP_420 and TJSAMP_GRAY.</summary>
    public const int Samples444 = 0;

    public const int Samples420 = 2;

    public const int SamplesGrey = 3;

    /// <summary>TJFLAG_ACCURATEDCT.</summary>
    public const int AccurateDct = 4096;

    /// <summary>TJFLAG_LIMITSCANS: at most 500 scans, against small files that take for ever.</summary>
    public const int LimitScans = 32768;

    /// <summary>TJERR_WARNING.</summary>
    public const int Warning = 0;

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    public static partial nint InitDecompress();

    [LibraryImport(Library, EntryPoint = "tjInitCompress")]
    public static partial nint InitCompress();

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    public static partial int DecompressHeader(
        nint handle, byte* file, CULong size, out int width, out int height, out int subsampling, out int colourSpace);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    public static partial int Decompress(
        nint handle, byte* file, CULong size, byte* pixels, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library, EntryPoint = "tjCompress2")]
    public static partial int Compress(
        nint handle, byte* pixels, int width, int pitch, int height, int pixelFormat, ref byte* file, ref CULong size, int subsampling, int quality, int flags);

    [LibraryImport(Library, EntryPoint = "tjFree")]
    public static partial void Free(byte* buffer);

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    private static partial nint ErrorText(nint handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorCode")]
    public static partial int ErrorCode(nint handle);

    public static string Message(nint handle) => Marshal.PtrToStringUTF8(ErrorText(handle)) ?? "";
}
