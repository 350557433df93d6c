using System.Buffers.Binary;

namespace Generation.Api;

/// <summary>Kind and size of a picture, from its first bytes: by content, not by name, and before any of it is decoded.</summary>
internal sealed record PictureHeader(string ContentType, int Width, int Height)
{
    /// <summary>PNG, JPEG or WebP; null for anything else and for a header that is cut or damaged.</summary>
    public static PictureHeader? Read(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, ..] => Png(bytes),
        [0xFF, 0xD8, 0xFF, ..] => Jpeg(bytes),
        [0x52, 0x49, 0x46, 0x46, _, _, _, _, 0x57, 0x45, 0x42, 0x50, ..] => WebP(bytes),
        _ => null,
    };

    private static PictureHeader? Of(string type, int width, int height) =>
        width > 0 && height > 0 ? new PictureHeader(type, width, height) : null;

    private static PictureHeader? Png(ReadOnlySpan<byte> b) =>
        b.Length >= 33 && b[12..16].SequenceEqual("IHDR"u8)
            ? Of("image/png", BinaryPrimitives.ReadInt32BigEndian(b[16..]), BinaryPrimitives.ReadInt32BigEndian(b[20..]))
            : null;

    private static PictureHeader? Jpeg(ReadOnlySpan<byte> b)
    {
        int at = 2;
        while (at + 4 <= b.Length && b[at] == 0xFF)
        {
            byte marker = b[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            // Markers without a length
            if (marker is 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2;
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(b[(at + 2)..]);
            // SOF0 to SOF15, without DHT, JPG and DAC
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return at + 9 <= b.Length
                    ? Of("image/jpeg", BinaryPrimitives.ReadUInt16BigEndian(b[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(b[(at + 5)..]))
                    : null;
            }

            if (length < 2 || marker is 0xD9 or 0xDA)
            {
                return null;
            }

            at += 2 + length;
        }

        return null;
    }

    private static PictureHeader? WebP(ReadOnlySpan<byte> b)
    {
        if (b.Length < 30)
        {
            return null;
        }

        ReadOnlySpan<byte> chunk = b[12..16];
        if (chunk.SequenceEqual("VP8X"u8))
        {
            return Of("image/webp", 1 + (b[24] | (b[25] << 8) | (b[26] << 16)), 1 + (b[27] | (b[28] << 8) | (b[29] << 16)));
        }

        if (chunk.SequenceEqual("VP8L"u8) && b[20] == 0x2F)
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(b[21..]);
            return Of("image/webp", 1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));
        }

        return chunk.SequenceEqual("VP8 "u8) && b[23..26].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
            ? Of("image/webp", BinaryPrimitives.ReadUInt16LittleEndian(b[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(b[28..]) & 0x3FFF)
            : null;
    }
}
