namespace Generation.Imaging.Codecs;

/// <summary>What people send in place of a picture that can be read, so that an error can say what it is.</summary>
public static class OtherFormats
{
    /// <summary>How much of a file's beginning tells what it is, in bytes.</summary>
    private const int Beginning = 256;

    /// <summary>
    /// What a file is by its first bytes, as the end of a sentence: "a GIF picture", "a web page"; "something else" where nothing is known
    /// of it.
    /// </summary>
    public static string NameOf(ReadOnlySpan<byte> file)
    {
        file = file[..Math.Min(file.Length, Beginning)];
        return file.IsEmpty ? "empty"
            : file.StartsWith("GIF8"u8) ? "a GIF picture"
            : file.StartsWith("BM"u8) ? "a BMP picture"
            : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) ? "a TIFF picture or a camera's raw file"
            : file.StartsWith("8BPS"u8) ? "a Photoshop file"
            : file.StartsWith("\0\0\x01\0"u8) ? "an icon (ICO)"
            : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || file.StartsWith("\0\0\0\x0CJXL "u8) ? "a JPEG XL picture"
            : file.StartsWith("\0\0\0\x0CjP  "u8) ? "a JPEG 2000 picture"
            : file.Length >= 12 && file[4..].StartsWith("ftyp"u8) ? NameOfMedia(file[8..12])
            : file.StartsWith((ReadOnlySpan<byte>)[0x1A, 0x45, 0xDF, 0xA3]) ? "a video"
            : file.StartsWith("%PDF"u8) ? "a PDF document"
            : file.StartsWith("PK\x03\x04"u8) ? "a ZIP archive"
            : NameOfText(file);
    }

    private static string NameOfMedia(ReadOnlySpan<byte> brand) =>
        brand.StartsWith("avi"u8) ? "an AVIF picture"
        : brand.StartsWith("he"u8) || brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8) ? "an HEIC picture"
        : "a video";

    private static string NameOfText(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> text = file.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? file[3..] : file;
        text = text.TrimStart(" \t\r\n"u8);
        return StartsWith(text, "<!doctype html") || StartsWith(text, "<html") || StartsWith(text, "<head") ? "a web page"
            : StartsWith(text, "<svg") || StartsWith(text, "<?xml") ? "an SVG drawing or other XML"
            : text.StartsWith("{"u8) || text.StartsWith("["u8) ? "JSON"
            : "something else";
    }

    private static bool StartsWith(ReadOnlySpan<byte> text, string word) =>
        text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);
}
