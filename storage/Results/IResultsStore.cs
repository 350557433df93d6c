namespace Generation.Storage.Results;

/// <summary>
/// Where outputs lie, each under the SHA-256 of its bytes. A file is there whole or not at all, and putting the same
/// bytes twice leaves one file.
/// </summary>
public interface IResultsStore
{
    /// <summary>Keeps the bytes and returns their SHA-256: 64 lowercase hexadecimal digits.</summary>
    /// <exception cref="ResultsStoreException">They are not kept, and nothing is left of them.</exception>
    public Task<string> PutAsync(ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken);

    /// <summary>Keeps what the stream yields until its end, and returns its SHA-256.</summary>
    public Task<string> PutAsync(Stream content, string contentType, CancellationToken cancellationToken);

    /// <summary>The bytes, or null if they are not (any more) there. The caller disposes the stream.</summary>
    public Task<Stream?> OpenAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>Forgets the bytes; false if they were not there.</summary>
    public Task<bool> DeleteAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>Forgets the bytes unless they were put again at or after <paramref name="putBefore"/>; whether it did.</summary>
    public Task<bool> DeleteOldAsync(string sha256, DateTimeOffset putBefore, CancellationToken cancellationToken);

    /// <summary>
    /// An address of the store's own at which anyone can fetch the bytes until <paramref name="expiresAt"/>; null if this
    /// store has no such addresses.
    /// </summary>
    public Uri? UrlOf(string sha256, string contentType, string fileName, DateTimeOffset expiresAt);

    /// <summary>
    /// Puts right what processes left behind that died in mid-call: files that were being written before
    /// <paramref name="begunBefore"/> go, those that were being looked at are in their places again. Any number may do so at once.
    /// </summary>
    public Task RecoverAsync(DateTimeOffset begunBefore, CancellationToken cancellationToken);

    /// <summary>All files, in no order.</summary>
    public IAsyncEnumerable<StoredFile> ListAsync(CancellationToken cancellationToken);

    /// <summary>
    /// A small document about the store itself, which stands beside its files and is none of them; null if there is none of the name.
    /// </summary>
    /// <param name="name">Lowercase letters and hyphens.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ResultsStoreException">The store is away.</exception>
    public Task<byte[]?> ReadDocumentAsync(string name, CancellationToken cancellationToken);

    /// <summary>Writes a document of <see cref="ReadDocumentAsync"/>, whole or not at all.</summary>
    /// <param name="name">Lowercase letters and hyphens.</param>
    /// <param name="content">At most some kilobytes.</param>
    /// <param name="replace">Whether one that is there is replaced.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False: one is there, and was to be left.</returns>
    /// <exception cref="ResultsStoreException">It is not written.</exception>
    public Task<bool> WriteDocumentAsync(string name, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancellationToken);

    /// <summary>Tries whether something can be written.</summary>
    /// <exception cref="ResultsStoreException">It cannot.</exception>
    public Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>
/// The store takes nothing now: it is full, closed to us, or away. The message says what to do, to operators; it is not for callers.
/// </summary>
public sealed class ResultsStoreException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>A file in the store.</summary>
/// <param name="Sha256">Name and hash.</param>
/// <param name="Bytes">Length.</param>
/// <param name="ModifiedAt">When it was last put.</param>
public sealed record StoredFile(string Sha256, long Bytes, DateTimeOffset ModifiedAt);
