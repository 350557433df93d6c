using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Generation.Imaging.Exif;

namespace Generation.Imaging.Jpeg;

/// <summary>A segment of a JPEG file: the second byte of its marker, and where its data is, without the marker and the length.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct JpegSegment(byte Marker, int Offset, int Length)
{
    public const byte HuffmanTables = 0xC4;
    public const byte StartOfScan = 0xDA;
    public const byte RestartInterval = 0xDD;
    public const byte App1 = 0xE1;

    public ReadOnlySpan<byte> Data(ReadOnlySpan<byte> file) => file.Slice(Offset, Length);
}

/// <summary>
/// A component (colour) of a frame: its id in scans, and how many of its blocks a unit of the picture has, across and down.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct JpegComponent(byte Id, int Across, int Down);

/// <summary>The content of a start of frame segment. ITU-T T.81, section B.2.2.</summary>
internal sealed record JpegFrame(byte Marker, int Width, int Height, IReadOnlyList<JpegComponent> Components)
{
    public bool IsProgressive => Marker is 0xC2 or 0xCA;

    public bool IsHuffman => Marker is 0xC0 or 0xC1 or 0xC2;
}

/// <summary>
/// The segments of a JPEG file from its start to its end marker, with the size checked against limits; bytes after the end are ignored.
/// ITU-T T.81, annex B. Allocates memory for the list of segments only.
/// </summary>
internal sealed class JpegFile
{
    /// <summary>
    /// The largest number of scans. Encoders write a dozen at most; more are an attack, because each covers the whole picture.
    /// </summary>
    private const int MaxScans = 500;

    private const int MaxSegments = 100_000;

    private readonly List<JpegSegment> _segments = [];
    private int _scans;

    private JpegFile() { }

    public JpegFrame Frame { get; private set; } = null!;

    /// <summary>The segments in their order. A scan's data is between its segment and the next.</summary>
    public IReadOnlyList<JpegSegment> Segments => _segments;

    /// <summary>The position of the file's end marker.</summary>
    public int End { get; private set; }

    /// <summary>The orientation in the file's EXIF block.</summary>
    public Orientation Orientation { get; private set; }

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="PictureException">The file violates a rule of the format, or exceeds a limit.</exception>
    public static JpegFile Read(ReadOnlySpan<byte> file, PictureLimits limits)
    {
        limits.CheckBytes(file.Length);
        if (!JpegCodec.IsJpeg(file))
        {
            throw new PictureException(PictureFault.NotAPicture, "The file is not a JPEG picture.");
        }

        var jpeg = new JpegFile();
        int position = 2;
        while (true)
        {
            position = NextMarker(file, position);
            byte marker = file[position + 1];
            position += 2;
            if (marker == 0xD9)
            {
                jpeg.End = position - 2;
                break;
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
            {
                continue;
            }

            int length = position + 2 <= file.Length ? BinaryPrimitives.ReadUInt16BigEndian(file[position..]) : 0;
            if (marker == 0xD8 || length < 2 || position + length > file.Length)
            {
                throw JpegCodec.Damaged($"the segment {marker:X2} at byte {position - 2} is broken or goes beyond the file's end");
            }

            jpeg.Add(new JpegSegment(marker, position + 2, length - 2), file, limits);
            position += length;
        }

        return jpeg._scans > 0 ? jpeg : throw JpegCodec.Damaged("it has no picture data");
    }

    /// <summary>Finds the next marker. Zeros after 0xFF are data, and bytes between segments are skipped, as decoders do.</summary>
    private static int NextMarker(ReadOnlySpan<byte> file, int position)
    {
        while (true)
        {
            int next = file[position..].IndexOf((byte)0xFF);
            position += next;
            if (next < 0 || position + 1 >= file.Length)
            {
                throw JpegCodec.Damaged("it ends before its end marker, so a part of the picture is missing");
            }

            if (file[position + 1] is not (0x00 or 0xFF))
            {
                return position;
            }

            position++;
        }
    }

    private void Add(JpegSegment segment, ReadOnlySpan<byte> file, PictureLimits limits)
    {
        ReadOnlySpan<byte> data = segment.Data(file);
        // Start of frame: 0xC0 to 0xCF, without the tables' DHT, JPG and DAC
        if (segment.Marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
        {
            if (Frame is not null)
            {
                throw JpegCodec.Damaged("it has a second frame");
            }

            Frame = ReadFrame(segment.Marker, data);
            limits.CheckSize(Frame.Width, Frame.Height);
        }
        else if (segment.Marker == JpegSegment.StartOfScan)
        {
            if (Frame is null || ++_scans > MaxScans)
            {
                throw JpegCodec.Damaged(Frame is null ? "its picture data comes before its size" : $"it has more than {MaxScans} scans");
            }
        }
        else if (segment.Marker == JpegSegment.App1 && Frame is null && Orientation == default && data.StartsWith("Exif\0\0"u8))
        {
            Orientation = ExifBlock.ReadOrientation(data);
        }

        if (_segments.Count == MaxSegments)
        {
            throw JpegCodec.Damaged($"it has more than {MaxSegments} segments");
        }

        _segments.Add(segment);
    }

    private static JpegFrame ReadFrame(byte marker, ReadOnlySpan<byte> data)
    {
        if (marker is not (0xC0 or 0xC1 or 0xC2 or 0xC9 or 0xCA))
        {
            throw JpegCodec.Damaged("it is coded without loss or in layers, which pictures on screens are not");
        }

        if (data.Length < 6 || data.Length < 6 + (3 * data[5]))
        {
            throw JpegCodec.Damaged("its frame is cut");
        }

        if (data[0] != 8)
        {
            throw JpegCodec.Damaged($"it has {data[0]} bits a sample; files of 8 are read");
        }

        if (data[5] is not (1 or 3 or 4))
        {
            throw JpegCodec.Damaged($"it has {data[5]} colours; files of 1, 3 or 4 are read");
        }

        var components = new JpegComponent[data[5]];
        for (int i = 0; i < components.Length; i++)
        {
            ReadOnlySpan<byte> told = data.Slice(6 + (3 * i), 3);
            components[i] = new JpegComponent(told[0], told[1] >> 4, told[1] & 15);
            if (components[i] is not { Across: >= 1 and <= 4, Down: >= 1 and <= 4 })
            {
                throw JpegCodec.Damaged($"its colour {i} is sampled {told[1] >> 4} x {told[1] & 15} times, which JPEG does not have");
            }
        }

        return new JpegFrame(
            marker,
            BinaryPrimitives.ReadUInt16BigEndian(data[3..]),
            BinaryPrimitives.ReadUInt16BigEndian(data[1..]),
            components
        );
    }
}
