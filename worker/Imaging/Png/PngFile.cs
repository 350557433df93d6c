namespace Generation.Imaging.Png;

/// <summary>
/// The chunks of a PNG file, all checked: lengths, checksums, order, and the size against limits. The file ends with its IEND chunk; bytes
/// after it are ignored. Allocates memory for the list of chunks only.
/// </summary>
internal sealed class PngFile
{
    /// <summary>
    /// The largest number of chunks. An encoder that writes chunks of 8 KiB makes 10,000 of the largest file; more are an attack on the
    /// reader's memory.
    /// </summary>
    private const int MaxChunks = 100_000;

    private readonly List<PngChunk> _chunks = [];
    private int _count = 1;
    private bool _hasPalette;
    private bool _hasData;

    private PngFile(PngHeader header)
    {
        Header = header;
    }

    public PngHeader Header { get; }

    /// <summary>The chunks in their order, without those that are damaged and not critical.</summary>
    public IReadOnlyList<PngChunk> Chunks => _chunks;

    /// <summary>The first chunk of a type; null where there is none.</summary>
    public PngChunk? Find(string type)
    {
        int index = _chunks.FindIndex(chunk => chunk.Type == type);
        return index < 0 ? null : _chunks[index];
    }

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="PictureException">The file violates a rule of the format, or exceeds a limit.</exception>
    public static PngFile Read(ReadOnlySpan<byte> file, PictureLimits limits)
    {
        limits.CheckBytes(file.Length);
        if (!file.StartsWith(PngChunk.Signature))
        {
            throw new PictureException(PictureFault.NotAPicture, "The file is not a PNG picture.");
        }

        int position = PngChunk.Signature.Length;
        var first = PngChunk.Read(file, position);
        if (first.Type != "IHDR")
        {
            throw PngChunk.Damaged($"it begins with a {first.Type} chunk instead of its header");
        }

        var header = PngHeader.Read(first.Data(file));
        limits.CheckSize(header.Width, header.Height);

        var png = new PngFile(header);
        png._chunks.Add(first);
        position += first.Length + PngChunk.Overhead;
        PngChunk last = first;
        while (last.Type != "IEND")
        {
            last = PngChunk.Read(file, position);
            png.Add(last, file);
            position += last.Length + PngChunk.Overhead;
        }

        png.CheckWhole();
        return png;
    }

    private void Add(PngChunk chunk, ReadOnlySpan<byte> file)
    {
        if (chunk.IsCritical && chunk.Type is not ("PLTE" or "IDAT" or "IEND"))
        {
            throw PngChunk.Damaged(chunk.Type == "IHDR" ? "it has a second header" : $"it needs the unknown chunk {chunk.Type}");
        }

        if (++_count > MaxChunks)
        {
            throw PngChunk.Damaged($"it has more than {MaxChunks} chunks");
        }

        if (!chunk.IsCritical && !chunk.IsWhole(file))
        {
            return;
        }

        switch (chunk.Type)
        {
            case "PLTE" when _hasData || _hasPalette:
                throw PngChunk.Damaged("its palette stands in the wrong place");
            case "IDAT" when _hasData && _chunks[^1].Type != "IDAT":
                throw PngChunk.Damaged("its picture data is not in one piece");
            case "IEND" when chunk.Length != 0:
                throw PngChunk.Damaged("its end chunk is not empty");
        }

        _hasPalette |= chunk.Type == "PLTE";
        _hasData |= chunk.Type == "IDAT";
        _chunks.Add(chunk);
    }

    private void CheckWhole()
    {
        long compressed = _chunks.Where(c => c.Type == "IDAT").Sum(c => (long)c.Length);
        if (compressed == 0)
        {
            throw PngChunk.Damaged("it has no picture data");
        }

        if (Header.IsPalette && !_hasPalette)
        {
            throw PngChunk.Damaged("its palette is missing");
        }

        // DEFLATE makes at most 1,032 bytes from one: so little data cannot fill the size that the header claims
        if (Header.RawBytes / 1032 > compressed)
        {
            throw PngChunk.Damaged(
                $"{compressed} bytes of data cannot hold the {Header.Width} x {Header.Height} pixels that its header claims"
            );
        }
    }
}
