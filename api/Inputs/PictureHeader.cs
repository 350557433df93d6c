using System.Buffers.Binary;

namespace Generation.Api.Inputs;

/// <summary>Kind and size of a picture, from its first bytes: by content, not by name, and before any of it is decoded.</summary>
internal sealed record PictureHeader(string ContentType, int Width, int Height)
{
    /// <summary>Reads the header of a PNG, JPEG or WebP file; null for anything else and for a header that is cut or damaged.</summary>
    public static PictureHeader? Read(ReadOnlySpan<byte> bytes) =>
        bytes switch
        {
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, ..] => Png(bytes),
            [0xFF, 0xD8, 0xFF, ..] => Jpeg(bytes),
            [0x52, 0x49, 0x46, 0x46, _, _, _, _, 0x57, 0x45, 0x42, 0x50, ..] => WebP(bytes),
            _ => null,
        };

    private static PictureHeader? Of(string type, int width, int height) =>
        width > 0 && height > 0 ? new PictureHeader(type, width, height) : null;

    /// <summary>The header with the sides as the picture is to be looked at: orientations from 5 turn it by a quarter.</summary>
    private static PictureHeader? Turned(PictureHeader? header, int orientation) =>
        header is not null && orientation >= 5 ? header with { Width = header.Height, Height = header.Width } : header;

    /// <summary>The tag Orientation of an EXIF block, 1 to 8; 1 where there is none. EXIF 2.32, sections 4.6.2 and 4.6.4.</summary>
    private static int Orientation(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff is [0x49, 0x49, 0x2A, 0x00, ..];
        if (tiff.Length < 14 || !(little || tiff is [0x4D, 0x4D, 0x00, 0x2A, ..]))
        {
            return 1;
        }

        uint first = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (first > tiff.Length - 2)
        {
            return 1;
        }

        ReadOnlySpan<byte> directory = tiff[(int)first..];
        int count = Short(directory);
        for (int i = 0; i < count && 2 + (12 * (i + 1)) <= directory.Length; i++)
        {
            ReadOnlySpan<byte> tag = directory[(2 + (12 * i))..];
            if (Short(tag) == 0x0112)
            {
                return Short(tag[8..]) is >= 1 and <= 8 and var value ? value : 1;
            }
        }

        return 1;

        int Short(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
    }

    /// <summary>The content of a chunk of a RIFF or PNG file; empty where it is not there, or lies behind the pixels of a PNG.</summary>
    private static ReadOnlySpan<byte> Chunk(ReadOnlySpan<byte> b, int at, ReadOnlySpan<byte> name, bool isPng)
    {
        while (at + 8 <= b.Length)
        {
            uint length = isPng ? BinaryPrimitives.ReadUInt32BigEndian(b[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(b[(at + 4)..]);
            ReadOnlySpan<byte> type = isPng ? b[(at + 4)..(at + 8)] : b[at..(at + 4)];
            if (length > b.Length - at - 8)
            {
                return [];
            }

            if (type.SequenceEqual(name))
            {
                return b.Slice(at + 8, (int)length);
            }

            // RIFF pads to even lengths, PNG ends with a checksum
            at += 8 + (int)length + (isPng ? 4 : (int)(length & 1));
        }

        return [];
    }

    private static PictureHeader? Png(ReadOnlySpan<byte> b) =>
        b.Length >= 33 && b[12..16].SequenceEqual("IHDR"u8)
            ? Turned(
                Of("image/png", BinaryPrimitives.ReadInt32BigEndian(b[16..]), BinaryPrimitives.ReadInt32BigEndian(b[20..])),
                Orientation(Chunk(b, 8, "eXIf"u8, isPng: true))
            )
            : null;

    private static PictureHeader? Jpeg(ReadOnlySpan<byte> b)
    {
        int at = 2;
        int orientation = 1;
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
                    ? Turned(
                        Of(
                            "image/jpeg",
                            BinaryPrimitives.ReadUInt16BigEndian(b[(at + 7)..]),
                            BinaryPrimitives.ReadUInt16BigEndian(b[(at + 5)..])
                        ),
                        orientation
                    )
                    : null;
            }

            // APP1 with EXIF
            if (marker == 0xE1 && length >= 8 && at + 2 + length <= b.Length && b.Slice(at + 4, 6).SequenceEqual("Exif\0\0"u8))
            {
                orientation = Orientation(b.Slice(at + 10, length - 8));
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
            ReadOnlySpan<byte> exif = Chunk(b, 12, "EXIF"u8, isPng: false);
            return Turned(
                Of("image/webp", 1 + (b[24] | (b[25] << 8) | (b[26] << 16)), 1 + (b[27] | (b[28] << 8) | (b[29] << 16))),
                Orientation(exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif)
            );
        }

        if (chunk.SequenceEqual("VP8L"u8) && b[20] == 0x2F)
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(b[21..]);
            return Of("image/webp", 1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));
        }

        return chunk.SequenceEqual("VP8 "u8) && b[23..26].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
            ? Of(
                "image/webp",
                BinaryPrimitives.ReadUInt16LittleEndian(b[26..]) & 0x3FFF,
                BinaryPrimitives.ReadUInt16LittleEndian(b[28..]) & 0x3FFF
            )
            : null;
    }
}
