using System.IO.MemoryMappedFiles;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>
/// One safetensors file, mapped into memory. Opening it reads and checks the header. Large tensors that keep their type are not copied:
/// they use the mapped memory, which stays mapped as long as they live. So a file in use must be replaced by renaming another one over it,
/// and never be rewritten in place. All others are copied or converted in one pass.
/// </summary>
public sealed unsafe class SafetensorsFile : WeightSource
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly SafetensorsHeader _header;
    private bool _lent;

    // A tensor over the map may have been written to: its pages are not the file's any more
    private volatile bool _lentOver;
    private bool _disposed;

    private SafetensorsFile(string path, MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start, SafetensorsHeader header)
    {
        Path = path;
        _file = file;
        _view = view;
        _start = start;
        _header = header;
    }

    public override string Path { get; }

    public override IReadOnlyCollection<string> Names => _header.Entries.Keys;

    /// <summary>Free text from the file's author.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="WeightsException">There is no such file, or it violates a rule of the format.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            Span<byte> start = stackalloc byte[16];
            int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            long length = stream.Length;
            int headerLength = SafetensorsHeader.CheckLength(path, start[..read], length);
            return Map(path, stream, headerLength, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static SafetensorsFile Map(string path, FileStream stream, int headerLength, long length)
    {
        // Copy on write: a tensor over the map may be written to, and the file stays as it is.
        var file = MemoryMappedFile.CreateFromFile(
            stream,
            mapName: null,
            capacity: 0,
            MemoryMappedFileAccess.CopyOnWrite,
            HandleInheritability.None,
            leaveOpen: true
        );
        MemoryMappedViewAccessor? view = null;
        try
        {
            view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.CopyOnWrite);
            byte* start = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + view.PointerOffset;
            var header = SafetensorsHeader.Parse(path, new ReadOnlySpan<byte>(start + 8, headerLength), length);
            return new SafetensorsFile(path, file, view, start, header);
        }
        catch
        {
            view?.Dispose();
            file.Dispose();
            throw;
        }
    }

    public override bool Has(string name) => _header.Entries.ContainsKey(name);

    public override WeightEntry Entry(string name)
    {
        SafetensorsEntry entry = Find(name);
        return new WeightEntry(name, entry.Dtype, entry.Shape);
    }

    public override Tensor Read(string name, ScalarType? dtype = null)
    {
        SafetensorsEntry entry = Find(name);
        return Read(entry, entry.Offset, entry.Length, entry.Shape, dtype);
    }

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null)
    {
        SafetensorsEntry entry = Find(name);
        (long offset, long length, long[] shape) = Rows(entry, start, count);
        return Read(entry, offset, length, shape, dtype);
    }

    /// <summary>
    /// Keeps the file mapped, and gives the pages of a released tensor back to the system, which has them in its cache of the file.
    /// </summary>
    public override ReloadableTensor? Reloadable(string name, ScalarType? dtype = null, (long Start, long Count)? rows = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafetensorsEntry entry = Find(name);
        (long offset, long length, long[] shape) = rows is var (start, count)
            ? Rows(entry, start, count)
            : (entry.Offset, entry.Length, entry.Shape);
        if (!StoredBytes.IsLarge(length))
        {
            return null;
        }

        _lent = true;
        return new ReloadableTensor(() => ReadMapped(entry, offset, length, shape, dtype), () => Release(offset, length));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _file.Dispose();
            if (!_lent)
            {
                _view.Dispose();
            }

            // else tensors lie over the map: it goes with the last of them, by the collector
        }

        base.Dispose(disposing);
    }

    private Tensor Read(SafetensorsEntry entry, long offset, long length, long[] shape, ScalarType? dtype)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _lent |= StoredBytes.LiesOver(length, entry.Dtype, dtype);
        return ReadMapped(entry, offset, length, shape, dtype);
    }

    // The map must be there: either this is not disposed, or the map is lent
    private Tensor ReadMapped(SafetensorsEntry entry, long offset, long length, long[] shape, ScalarType? dtype)
    {
        byte* at = _start + offset;
        Tensor? over = StoredBytes.Over(at, length, entry.Dtype, shape, _view);
        if (over is null)
        {
            return StoredBytes.ToTensor(at, length, entry.Dtype, shape, dtype, $"{Path}: '{entry.Name}'");
        }

        if (dtype is null || dtype == over.dtype)
        {
            _lentOver = true;
            return over;
        }

        using (over)
        {
            Tensor converted = TorchExtras.converted_from_memory((nint)at, shape, over.dtype, dtype.Value) ?? over.to(dtype.Value);
            if (!_lentOver)
            {
                Release(offset, length);
            }

            GC.KeepAlive(this);
            return converted;
        }
    }

    private (long Offset, long Length, long[] Shape) Rows(SafetensorsEntry entry, long start, long count)
    {
        if (entry.Shape.Length == 0 || start < 0 || count < 0 || start > entry.Shape[0] - count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start),
                $"'{entry.Name}' of shape [{string.Join(", ", entry.Shape)}] has no rows {start} to {start + count}."
            );
        }

        long row = entry.Shape[0] == 0 ? 0 : entry.Length / entry.Shape[0];
        return (entry.Offset + (start * row), count * row, [count, .. entry.Shape[1..]]);
    }

    private void Release(long offset, long length)
    {
        TorchRuntime.ReleaseMapped((nint)(_start + offset), length);
        GC.KeepAlive(this);
    }

    private SafetensorsEntry Find(string name) =>
        _header.Entries.TryGetValue(name, out SafetensorsEntry? entry) ? entry : throw Missing(name);
}
