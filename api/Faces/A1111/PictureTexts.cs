using System.Buffers.Binary;
using System.Text;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// Reads the texts of a picture file: those of a PNG's chunks, and the comment in the EXIF block of a JPEG or WebP, where image tools write
/// how a picture was made. What is damaged reads as not there.
/// </summary>
internal static class PictureTexts
{
    /// <summary>The keyword of the text that says how the picture was made.</summary>
    public const string Parameters = PngText.Parameters;

    private const ushort ExifPointerTag = 0x8769;
    private const ushort UserCommentTag = 0x9286;
    private const int EntryBytes = 12;

    /// <summary>The texts of a file by their keywords; of two with one keyword the last.</summary>
    public static IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> file)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            switch (PictureFormats.Detect(file))
            {
                case PictureFormat.Png:
                    foreach (PngText text in PngText.Read(file))
                    {
                        texts[text.Keyword] = Cut(text.Text);
                    }

                    break;
                case PictureFormat.Jpeg:
                    AddComment(texts, JpegExif(file));
                    break;
                case PictureFormat.WebP:
                    AddComment(texts, WebPExif(file));
                    break;
            }
        }
        catch (PictureException)
        {
            // A file that is cut off has no texts
        }

        return texts;
    }

    private static void AddComment(Dictionary<string, string> texts, ReadOnlySpan<byte> exif)
    {
        if (UserComment(exif) is { Length: > 0 } comment)
        {
            texts[Parameters] = Cut(comment);
        }
    }

    private static string Cut(string text) => text.Length <= Infotext.MaxLength ? text : text[..Infotext.MaxLength];

    /// <summary>The TIFF structure in a JPEG's APP1 segment; empty where there is none. EXIF 2.32, section 4.7.2.</summary>
    private static ReadOnlySpan<byte> JpegExif(ReadOnlySpan<byte> file)
    {
        const byte App1 = 0xE1;
        const byte StartOfScan = 0xDA;
        ReadOnlySpan<byte> rest = file[2..];
        while (rest.Length >= 4 && rest[0] == 0xFF && rest[1] != StartOfScan)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (length < 2 || length + 2 > rest.Length)
            {
                break;
            }

            ReadOnlySpan<byte> content = rest[4..(length + 2)];
            if (rest[1] == App1 && content.StartsWith("Exif\0\0"u8))
            {
                return content[6..];
            }

            rest = rest[(length + 2)..];
        }

        return [];
    }

    /// <summary>The TIFF structure in a WebP's EXIF chunk; empty where there is none. RFC 9649, section 2.7.</summary>
    private static ReadOnlySpan<byte> WebPExif(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> rest = file.Length > 12 ? file[12..] : [];
        while (rest.Length >= 8)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (length > rest.Length - 8)
            {
                break;
            }

            ReadOnlySpan<byte> content = rest.Slice(8, (int)length);
            if (rest.StartsWith("EXIF"u8))
            {
                return content.StartsWith("Exif\0\0"u8) ? content[6..] : content;
            }

            // Chunks begin at even places
            rest = rest[Math.Min(rest.Length, 8 + (int)length + (int)(length & 1))..];
        }

        return [];
    }

    /// <summary>The comment of a TIFF structure, which begins with the name of its encoding in eight bytes.</summary>
    private static string? UserComment(ReadOnlySpan<byte> tiff)
    {
        bool isLittle = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !(isLittle || tiff.StartsWith("MM\0*"u8)))
        {
            return null;
        }

        if (
            Entry(tiff, Read32(tiff[4..], isLittle), ExifPointerTag, isLittle) is not (_, { } directory)
            || Entry(tiff, directory, UserCommentTag, isLittle) is not ({ } count, { } place)
            || count <= 8
            || (long)place + count > tiff.Length
        )
        {
            return null;
        }

        ReadOnlySpan<byte> comment = tiff.Slice((int)place, (int)count);
        ReadOnlySpan<byte> text = comment[8..];
        return (
            comment.StartsWith("UNICODE\0"u8) ? Utf16(text, isLittle)
            : comment.StartsWith("ASCII\0\0\0"u8) || comment.StartsWith("\0\0\0\0\0\0\0\0"u8) ? Encoding.UTF8.GetString(text)
            : null
        )?.Trim('\0', ' ');
    }

    /// <summary>
    /// Text in UTF-16. Programs write it in the order of the block's own bytes or always with the higher one first: prompts are mostly
    /// Latin, whose higher bytes are zero.
    /// </summary>
    private static string Utf16(ReadOnlySpan<byte> text, bool isLittle)
    {
        ReadOnlySpan<byte> even = text[..(text.Length & ~1)];
        int first = 0;
        int second = 0;
        for (int i = 0; i + 1 < even.Length; i += 2)
        {
            first += even[i] == 0 ? 1 : 0;
            second += even[i + 1] == 0 ? 1 : 0;
        }

        bool isBig = first == second ? !isLittle : first > second;
        return (isBig ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(even);
    }

    /// <summary>Count and value, or place, of a directory's entry; null where it has none.</summary>
    private static (uint Count, uint Value)? Entry(ReadOnlySpan<byte> tiff, uint directory, ushort tag, bool isLittle)
    {
        if (directory > tiff.Length - 2)
        {
            return null;
        }

        ReadOnlySpan<byte> entries = tiff[(int)(directory + 2)..];
        int count = Math.Min(Read16(tiff[(int)directory..], isLittle), entries.Length / EntryBytes);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(i * EntryBytes, EntryBytes);
            if (Read16(entry, isLittle) == tag)
            {
                return (Read32(entry[4..], isLittle), Read32(entry[8..], isLittle));
            }
        }

        return null;
    }

    private static ushort Read16(ReadOnlySpan<byte> from, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(from) : BinaryPrimitives.ReadUInt16BigEndian(from);

    private static uint Read32(ReadOnlySpan<byte> from, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(from) : BinaryPrimitives.ReadUInt32BigEndian(from);
}
