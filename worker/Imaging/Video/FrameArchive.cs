using System.Globalization;
using System.IO.Compression;
using System.Text;
using Generation.Imaging.Codecs;

namespace Generation.Imaging.Video;

/// <summary>A clip as a zip archive of its frames, frame-0001.png and so on, lossless, for editing.</summary>
public static class FrameArchive
{
    // A time of the file's own making would make equal clips unequal; the format begins with 1980
    private static readonly DateTimeOffset Written = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes the archive. Equal arguments give equal bytes.</summary>
    /// <param name="frames">The frames, at least one.</param>
    /// <param name="framesPerSecond">The frame rate, which is written to clip.txt with <paramref name="comment"/>.</param>
    public static byte[] Write(
        IEnumerable<Picture> frames,
        double framesPerSecond,
        string? comment = null,
        CancellationToken cancellationToken = default
    )
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            int count = 0;
            foreach (Picture frame in frames)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // PNG is compressed already
                Add(archive, $"frame-{++count:0000}.png", PictureCodec.Encode(frame, PictureFormat.Png), CompressionLevel.NoCompression);
            }

            string rate = framesPerSecond.ToString("0.###", CultureInfo.InvariantCulture);
            Add(archive, "clip.txt", Encoding.UTF8.GetBytes($"{count} frames, {rate} a second\n{comment}\n"), CompressionLevel.Fastest);
        }

        return bytes.ToArray();
    }

    private static void Add(ZipArchive archive, string name, byte[] content, CompressionLevel level)
    {
        ZipArchiveEntry entry = archive.CreateEntry(name, level);
        entry.LastWriteTime = Written;
        using Stream stream = entry.Open();
        stream.Write(content);
    }
}
