using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// The files that a tokenizer is read from, in memory. They can be packed into one piece of bytes, by which another program reads the same
/// tokenizer without the model's folder.
/// </summary>
public sealed class TokenizerFiles
{
    /// <summary>The most that files which are packed may have together, in bytes; the largest published tokenizers have 20 MB.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    private static readonly string[] Names =
    [
        "added_tokens.json",
        "merges.txt",
        "special_tokens_map.json",
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    ];

    private readonly string _source;
    private readonly SortedDictionary<string, byte[]> _files;

    private TokenizerFiles(string source, SortedDictionary<string, byte[]> files)
    {
        _source = source;
        _files = files;
    }

    /// <summary>Reads those files of a tokenizer that a folder has; it may have none.</summary>
    /// <exception cref="TokenizerException">A file cannot be read.</exception>
    public static TokenizerFiles Read(string folder)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string name in Names.Where(name => File.Exists(Path.Combine(folder, name))))
        {
            try
            {
                files.Add(name, File.ReadAllBytes(Path.Combine(folder, name)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TokenizerException($"{Path.Combine(folder, name)}: cannot be read ({e.Message}).", e);
            }
        }

        return new TokenizerFiles(folder, files);
    }

    /// <summary>Reads what <see cref="Pack"/> made.</summary>
    /// <param name="packed">The packed files.</param>
    /// <param name="source">What they are called in messages.</param>
    /// <exception cref="TokenizerException">They are damaged, or larger than <see cref="MaxBytes"/>.</exception>
    public static TokenizerFiles Unpack(ReadOnlyMemory<byte> packed, string source)
    {
        try
        {
            using var archive = new ZipArchive(new MemoryStream(packed.ToArray(), writable: false), ZipArchiveMode.Read);
            var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
            long room = MaxBytes;
            foreach (ZipArchiveEntry entry in archive.Entries.Where(entry => Names.Contains(entry.FullName)))
            {
                // The length that the archive names is no promise: no more than that is read
                room -= entry.Length;
                if (room < 0)
                {
                    throw new TokenizerException($"{source}: has more than {MaxBytes} bytes unpacked.");
                }

                byte[] bytes = new byte[entry.Length];
                using Stream stream = entry.Open();
                stream.ReadExactly(bytes);
                files[entry.FullName] = bytes;
            }

            return new TokenizerFiles(source, files);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new TokenizerException($"{source}: cannot be unpacked ({e.Message}).", e);
        }
    }

    /// <summary>The hash of the files' names and bytes, as 64 lowercase hexadecimal digits: equal files have equal hashes.</summary>
    public string Sha256()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach ((string name, byte[] bytes) in _files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Packs the files for <see cref="Unpack"/>; null where they have more than <see cref="MaxBytes"/>, or there are none.</summary>
    public byte[]? Pack()
    {
        if (_files.Count == 0 || _files.Values.Sum(bytes => (long)bytes.Length) > MaxBytes)
        {
            return null;
        }

        using var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in _files)
            {
                using Stream stream = archive.CreateEntry(name).Open();
                stream.Write(bytes);
            }
        }

        return packed.ToArray();
    }

    /// <summary>The bytes of a file; null where there is none of this name.</summary>
    internal byte[]? Find(string name) => _files.GetValueOrDefault(name);

    internal bool Has(string name) => _files.ContainsKey(name);

    /// <summary>What a file is called in messages.</summary>
    internal string PathOf(string name) => Path.Combine(_source, name);

    /// <summary>What all of them together are called in messages.</summary>
    public override string ToString() => _source;
}
