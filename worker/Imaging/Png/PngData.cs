using System.Buffers;
using System.IO.Compression;

namespace Generation.Imaging.Png;

/// <summary>The compressed rows of a PNG file, which may lie in many chunks.</summary>
internal static class PngData
{
    /// <summary>
    /// Unpacks all rows without keeping any: whether they are all there, each with a filter that PNG has. Their checksums were compared
    /// before, so that what is found here is a file that was written wrongly, or on purpose.
    /// </summary>
    /// <exception cref="PictureException">The data is damaged or ends early.</exception>
    public static unsafe void Check(PngFile png, ReadOnlySpan<byte> file)
    {
        PngHeader header = png.Header;
        byte[] row = ArrayPool<byte>.Shared.Rent((int)header.RowBytes(header.Width));
        try
        {
            fixed (byte* bytes = file)
            {
                using var packed = new ChunkStream(bytes, [.. png.Chunks.Where(chunk => chunk.Type == "IDAT")]);
                using var data = new ZLibStream(packed, CompressionMode.Decompress);
                foreach ((int x, int y, int stepX, int stepY) in header.Passes)
                {
                    long columns = (header.Width - x + stepX - 1) / stepX;
                    for (long i = y; columns > 0 && i < header.Height; i += stepY)
                    {
                        CheckFilter(data.ReadByte());
                        data.ReadExactly(row, 0, (int)header.RowBytes(columns));
                    }
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw Unreadable();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(row);
        }
    }

    /// <summary>The error of data that cannot be unpacked.</summary>
    public static PictureException Unreadable() => PngChunk.Damaged("its picture data cannot be unpacked or ends early");

    /// <summary>Refuses a filter type that PNG does not have; -1 stands for the end of the data.</summary>
    public static void CheckFilter(int filter)
    {
        if (filter is < 0 or > 4)
        {
            throw filter < 0 ? Unreadable() : PngChunk.Damaged($"a row has the filter {filter}, which PNG does not have");
        }
    }

    /// <summary>The data of chunks, one after the other, where they lie in the file.</summary>
    private sealed unsafe class ChunkStream(byte* file, IReadOnlyList<PngChunk> chunks) : Stream
    {
        private int _chunk;
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            while (_chunk < chunks.Count && _at == chunks[_chunk].Length)
            {
                _chunk++;
                _at = 0;
            }

            if (_chunk == chunks.Count)
            {
                return 0;
            }

            PngChunk chunk = chunks[_chunk];
            int count = Math.Min(buffer.Length, chunk.Length - _at);
            new ReadOnlySpan<byte>(file + chunk.Offset + _at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
