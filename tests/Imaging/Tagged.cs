using System.Buffers.Binary;
using System.Text;
using Generation.Imaging.Codecs;

namespace Generation.Imaging.Tests;

/// <summary>Puts things into picture files that this project's own encoders do not write.</summary>
internal static class Tagged
{
    private const int MostInSegment = 65_519;

    /// <summary>A small file of tests/Imaging/Files; its README says how they were made.</summary>
    public static byte[] Sample(string name) => File.ReadAllBytes(Path.Combine(TestContext.CurrentContext.TestDirectory, "Files", name));

    /// <summary>The file with a colour profile in it.</summary>
    public static byte[] WithProfile(byte[] file, byte[] profile) =>
        PictureFormats.Detect(file) switch
        {
            PictureFormat.Png => WithChunk(WithoutChunk(file, "sRGB"), "iCCP", [.. "a profile\0\0"u8, .. PngBuilder.Compress(profile)]),
            PictureFormat.Jpeg => [.. file[..2], .. Segments(profile).SelectMany(s => s), .. file[2..]],
            _ => WithRiffChunk(file, "ICCP", 0x20, profile),
        };

    /// <summary>The APP2 segments that hold a profile, in their order.</summary>
    public static IReadOnlyList<byte[]> Segments(byte[] profile, int most = MostInSegment)
    {
        byte[][] parts = [.. profile.Chunk(most)];
        return [.. parts.Select((part, i) => Segment(0xE2, [.. "ICC_PROFILE\0"u8, (byte)(i + 1), (byte)parts.Length, .. part]))];
    }

    public static byte[] Segment(byte marker, byte[] data) =>
        [0xFF, marker, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data];

    /// <summary>A PNG with a chunk more, right behind its header.</summary>
    public static byte[] WithChunk(byte[] png, string type, byte[] data) => [.. png[..33], .. PngBuilder.Chunk(type, data), .. png[33..]];

    public static byte[] WithoutChunk(byte[] png, string type)
    {
        int at = png.AsSpan().IndexOf(Encoding.ASCII.GetBytes(type)) - 4;
        return at < 0 ? png : [.. png[..at], .. png[(at + 12 + BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at)))..]];
    }

    /// <summary>A WebP in the extended form with a chunk more, before the picture.</summary>
    public static byte[] WithRiffChunk(byte[] webp, string name, byte flag, byte[] data)
    {
        Picture picture = PictureCodec.Decode(webp);
        byte[] chunks = webp[12..];
        byte[] first = chunks.AsSpan().StartsWith("VP8X"u8)
            ? chunks[..18]
            : RiffChunk(
                "VP8X",
                [(byte)(picture.Channels == 4 ? 0x10 : 0), 0, 0, 0, .. Little24(picture.Width - 1), .. Little24(picture.Height - 1)]
            );
        first[8] |= flag;
        return Riff([.. first, .. RiffChunk(name, data), .. chunks.AsSpan().StartsWith("VP8X"u8) ? chunks[18..] : chunks]);
    }

    public static byte[] Riff(byte[] chunks) => [.. "RIFF"u8, .. BitConverter.GetBytes(chunks.Length + 4), .. "WEBP"u8, .. chunks];

    public static byte[] RiffChunk(string name, byte[] data) =>
        [.. Encoding.ASCII.GetBytes(name), .. BitConverter.GetBytes(data.Length), .. data, .. new byte[data.Length & 1]];

    public static byte[] Little24(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];
}
