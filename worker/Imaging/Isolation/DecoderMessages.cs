using System.Buffers.Binary;
using System.Text;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Isolation;

/// <summary>
/// What a decoder's process and its owner write to each other over pipes. The owner takes nothing on trust: each length is checked against
/// the limits before anything is allocated.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>The decoder begins with a text: what its confinement lacks, empty where it lacks nothing.</item>
/// <item>
/// A request is the size that the picture is to have (width, height and <see cref="FitMode"/> as int32; 0 x 0 for its own) and a file: its
/// length in bytes as an int32, then the file.
/// </item>
/// <item>A reply is a picture (1; width, height and channels as int32; the pixels) or a refusal (2; its fault as a byte; a text).</item>
/// <item>A text is its length in bytes as an int32, then UTF-8.</item>
/// </list>
/// Numbers are little-endian.
/// </remarks>
internal static class DecoderMessages
{
    private const byte PictureReply = 1;
    private const byte RefusalReply = 2;

    /// <summary>What stands before a request's file, in bytes.</summary>
    private const int RequestStart = 16;

    /// <summary>The longest text, in bytes.</summary>
    private const int MaxText = 2000;

    /// <summary>What a decoder says of a picture for which its memory did not suffice.</summary>
    public static string TooMuchMemory(long memoryBytes) =>
        $"The picture takes more than {memoryBytes >> 20} MiB of memory to decode; save it smaller, or as a plain PNG.";

    public static async Task WriteRequestAsync(Stream to, ReadOnlyMemory<byte> file, DecodedSize? size, CancellationToken cancellationToken)
    {
        byte[] start = new byte[RequestStart];
        BinaryPrimitives.WriteInt32LittleEndian(start, size?.Width ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(4), size?.Height ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(8), (int)(size?.Mode ?? FitMode.Stretch));
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(12), file.Length);
        await to.WriteAsync(start, cancellationToken);
        await to.WriteAsync(file, cancellationToken);
    }

    /// <summary>Reads the next request; null where there is none any more.</summary>
    public static (byte[] File, DecodedSize? Size)? ReadRequest(Stream from, PictureLimits limits)
    {
        Span<byte> start = stackalloc byte[RequestStart];
        if (from.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length)
        {
            return null;
        }

        int width = Checked(BinaryPrimitives.ReadInt32LittleEndian(start), 0, limits.MaxSide, "width");
        int height = Checked(BinaryPrimitives.ReadInt32LittleEndian(start[4..]), 0, limits.MaxSide, "height");
        var mode = (FitMode)Checked(BinaryPrimitives.ReadInt32LittleEndian(start[8..]), 0, (int)FitMode.Fill, "way to fit");
        byte[] file = new byte[Checked(BinaryPrimitives.ReadInt32LittleEndian(start[12..]), 0, limits.MaxBytes, "file")];
        from.ReadExactly(file);
        return (file, width > 0 && height > 0 ? new DecodedSize(width, height, mode) : null);
    }

    public static void WritePicture(Stream to, Picture picture)
    {
        Span<byte> start = stackalloc byte[13];
        start[0] = PictureReply;
        BinaryPrimitives.WriteInt32LittleEndian(start[1..], picture.Width);
        BinaryPrimitives.WriteInt32LittleEndian(start[5..], picture.Height);
        BinaryPrimitives.WriteInt32LittleEndian(start[9..], picture.Channels);
        to.Write(start);
        to.Write(picture.Bytes);
    }

    public static void WriteRefusal(Stream to, PictureException refusal)
    {
        to.Write([RefusalReply, (byte)refusal.Fault]);
        WriteText(to, refusal.Message);
    }

    /// <summary>Reads the reply to a request.</summary>
    /// <exception cref="PictureException">The decoder refused the file.</exception>
    /// <exception cref="IOException">The reply ended early, or breaks the rules.</exception>
    public static async Task<Picture> ReadReplyAsync(Stream from, PictureLimits limits, CancellationToken cancellationToken)
    {
        byte[] kind = new byte[1];
        await from.ReadExactlyAsync(kind, cancellationToken);
        if (kind[0] == RefusalReply)
        {
            await from.ReadExactlyAsync(kind, cancellationToken);
            var fault = (PictureFault)Checked(kind[0], 0, (int)PictureFault.TooLarge, "fault");
            throw new PictureException(fault, await ReadTextAsync(from, cancellationToken));
        }

        Checked(kind[0], PictureReply, PictureReply, "kind of reply");
        byte[] size = new byte[12];
        await from.ReadExactlyAsync(size, cancellationToken);
        int maxSide = Math.Min(limits.MaxSide, Picture.MaxSide);
        int width = Checked(BinaryPrimitives.ReadInt32LittleEndian(size), 1, maxSide, "width");
        int height = Checked(BinaryPrimitives.ReadInt32LittleEndian(size.AsSpan(4)), 1, maxSide, "height");
        Checked((long)width * height, 1, limits.MaxPixels, "number of pixels");
        int channels = BinaryPrimitives.ReadInt32LittleEndian(size.AsSpan(8));
        if (channels is not (1 or 3 or 4))
        {
            throw new IOException($"The decoder answered with {channels} channels.");
        }

        var picture = new Picture(width, height, channels);
        await from.ReadExactlyAsync(picture.Bytes, cancellationToken);
        return picture;
    }

    public static void WriteText(Stream to, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, Math.Min(bytes.Length, MaxText));
        to.Write(length);
        to.Write(bytes.AsSpan(0, Math.Min(bytes.Length, MaxText)));
    }

    public static async Task<string> ReadTextAsync(Stream from, CancellationToken cancellationToken)
    {
        byte[] length = new byte[4];
        await from.ReadExactlyAsync(length, cancellationToken);
        byte[] text = new byte[Checked(BinaryPrimitives.ReadInt32LittleEndian(length), 0, MaxText, "text")];
        await from.ReadExactlyAsync(text, cancellationToken);
        return Encoding.UTF8.GetString(text);
    }

    private static int Checked(long value, long least, long most, string what) =>
        value >= least && value <= most
            ? (int)value
            : throw new IOException($"Between a decoder and its owner went a {what} of {value}; it is from {least} to {most}.");
}
