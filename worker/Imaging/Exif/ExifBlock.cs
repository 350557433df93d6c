using System.Buffers.Binary;
using System.Text;

namespace Generation.Imaging.Exif;

/// <summary>
/// The EXIF block of a picture file, which is a small TIFF structure: the orientation is read from it, and the generation parameters are
/// written to it, as image tools do in formats without text chunks. EXIF 2.32, TIFF 6.0.
/// </summary>
internal static class ExifBlock
{
    private const ushort OrientationTag = 0x0112;
    private const ushort ExifPointerTag = 0x8769;
    private const ushort UserCommentTag = 0x9286;
    private const ushort TypeShort = 3;
    private const ushort TypeLong = 4;
    private const ushort TypeUndefined = 7;
    private const int EntryBytes = 12;

    /// <summary>The orientation that a block gives; upright where it gives none or is damaged.</summary>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> tiff)
    {
        if (tiff.StartsWith("Exif\0\0"u8))
        {
            tiff = tiff[6..];
        }

        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !(little || tiff.StartsWith("MM\0*"u8)))
        {
            return default;
        }

        uint directory = Read32(tiff[4..], little);
        if (directory > tiff.Length - 2)
        {
            return default;
        }

        ReadOnlySpan<byte> entries = tiff[(int)(directory + 2)..];
        int count = Math.Min(Read16(tiff[(int)directory..], little), entries.Length / EntryBytes);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(i * EntryBytes, EntryBytes);
            if (Read16(entry, little) == OrientationTag && Read16(entry[2..], little) == TypeShort)
            {
                int value = Read16(entry[8..], little);
                return value is >= 1 and <= 8 ? new Orientation(value) : default;
            }
        }

        return default;
    }

    /// <summary>Makes a block with a single tag, UserComment, with the text in UTF-16 after the code "UNICODE".</summary>
    public static byte[] UserComment(string text)
    {
        byte[] comment = [.. "UNICODE\0"u8, .. Encoding.BigEndianUnicode.GetBytes(text)];
        using var block = new MemoryStream();
        block.Write("MM\0*"u8);
        Write32(block, 8);
        // Directory 0 has one entry, the place of the EXIF directory, which has one entry
        WriteDirectory(block, ExifPointerTag, TypeLong, 1, value: 26);
        WriteDirectory(block, UserCommentTag, TypeUndefined, (uint)comment.Length, value: 44);
        block.Write(comment);
        return block.ToArray();
    }

    /// <summary>The comment that <see cref="UserComment"/> wrote; null where there is none in that form.</summary>
    public static string? ReadUserComment(ReadOnlySpan<byte> tiff)
    {
        const int Start = 44;
        int code = tiff.Length > Start + 8 ? tiff[Start..].IndexOf("UNICODE\0"u8) : -1;
        return code == 0 ? Encoding.BigEndianUnicode.GetString(tiff[(Start + 8)..]) : null;
    }

    private static void WriteDirectory(MemoryStream block, ushort tag, ushort type, uint count, uint value)
    {
        Write16(block, 1);
        Write16(block, tag);
        Write16(block, type);
        Write32(block, count);
        Write32(block, value);
        Write32(block, 0);
    }

    private static ushort Read16(ReadOnlySpan<byte> from, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(from) : BinaryPrimitives.ReadUInt16BigEndian(from);

    private static uint Read32(ReadOnlySpan<byte> from, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(from) : BinaryPrimitives.ReadUInt32BigEndian(from);

    private static void Write16(MemoryStream to, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        to.Write(bytes);
    }

    private static void Write32(MemoryStream to, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        to.Write(bytes);
    }
}
