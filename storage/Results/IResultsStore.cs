namespace Generation.Storage.Results;

/// <summary>
/// The store of outputs, each under the SHA-256 of its bytes. A file is there completely or not at all, and putting the same bytes twice
/// leaves one file.
/// </summary>
public interface IResultsStore
{
    /// <summary>Stores bytes and returns their SHA-256: 64 lowercase hexadecimal digits.</summary>
    /// <exception cref="ResultsStoreException">The bytes are not stored, and nothing is left of them.</exception>
    public Task<string> PutAsync(ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken);

    /// <summary>Stores what the stream yields until its end, and returns its SHA-256.</summary>
    public Task<string> PutAsync(Stream content, string contentType, CancellationToken cancellationToken);

    /// <summary>Opens the bytes; null if they are not (any more) in the store. The caller disposes the stream.</summary>
    public Task<Stream?> OpenAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>Deletes the bytes; false if they were not in the store.</summary>
    public Task<bool> DeleteAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the bytes unless they were put again at or after <paramref name="putBefore"/>, and returns whether it did.
    /// </summary>
    public Task<bool> DeleteOldAsync(string sha256, DateTimeOffset putBefore, CancellationToken cancellationToken);

    /// <summary>
    /// An address at the store itself from which anyone can fetch the bytes until <paramref name="expiresAt"/>; null if this store has no
    /// such addresses.
    /// </summary>
    public Uri? UrlOf(string sha256, string contentType, string fileName, DateTimeOffset expiresAt);

    /// <summary>
    /// Cleans up after processes that died within a call: files whose writing began before <paramref name="begunBefore"/> are deleted, and
    /// files that were moved aside are moved back. Any number of processes may do so at once.
    /// </summary>
    public Task RecoverAsync(DateTimeOffset begunBefore, CancellationToken cancellationToken);

    /// <summary>Lists all files, in no particular order.</summary>
    public IAsyncEnumerable<StoredFile> ListAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads a small document about the store itself, which is stored beside its files but is not one of them; null if there is none with
    /// this name.
    /// </summary>
    /// <param name="name">Lowercase letters and hyphens.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ResultsStoreException">The store is away.</exception>
    public Task<byte[]?> ReadDocumentAsync(string name, CancellationToken cancellationToken);

    /// <summary>Writes a document for <see cref="ReadDocumentAsync"/>, completely or not at all.</summary>
    /// <param name="name">Lowercase letters and hyphens.</param>
    /// <param name="content">The contents, a few kilobytes at most.</param>
    /// <param name="replace">Whether an existing document is replaced.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False if there is a document that should not be replaced.</returns>
    /// <exception cref="ResultsStoreException">The document was not written.</exception>
    public Task<bool> WriteDocumentAsync(string name, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancellationToken);

    /// <summary>Checks that something can be written.</summary>
    /// <exception cref="ResultsStoreException">Nothing can be written.</exception>
    public Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>
/// The store cannot be written to now: it is full, refuses access, or is away. The message tells operators what to do; it is not meant for
/// callers.
/// </summary>
public sealed class ResultsStoreException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>A file in the store.</summary>
/// <param name="Sha256">The name of the file, which is its hash.</param>
/// <param name="Bytes">The length of the file in bytes.</param>
/// <param name="ModifiedAt">When it was last put into the store.</param>
public sealed record StoredFile(string Sha256, long Bytes, DateTimeOffset ModifiedAt);
