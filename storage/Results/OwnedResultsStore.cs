namespace Generation.Storage.Results;

/// <summary>
/// The results store of this database. Files are put only while it belongs to this database, and deleted only while it belongs to no other.
/// </summary>
public sealed class OwnedResultsStore(IResultsStore store, ResultsOwnership ownership) : IResultsStore
{
    public async Task<string> PutAsync(ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayPutAsync(cancellationToken);
        return await store.PutAsync(content, contentType, cancellationToken);
    }

    public async Task<string> PutAsync(Stream content, string contentType, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayPutAsync(cancellationToken);
        return await store.PutAsync(content, contentType, cancellationToken);
    }

    public async Task<bool> DeleteAsync(string sha256, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayDeleteAsync(cancellationToken);
        return await store.DeleteAsync(sha256, cancellationToken);
    }

    public async Task<bool> DeleteOldAsync(string sha256, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayDeleteAsync(cancellationToken);
        return await store.DeleteOldAsync(sha256, putBefore, cancellationToken);
    }

    public async Task RecoverAsync(DateTimeOffset begunBefore, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayDeleteAsync(cancellationToken);
        await store.RecoverAsync(begunBefore, cancellationToken);
    }

    public Task<Stream?> OpenAsync(string sha256, CancellationToken cancellationToken) => store.OpenAsync(sha256, cancellationToken);

    public Uri? UrlOf(string sha256, string contentType, string fileName, DateTimeOffset expiresAt) =>
        store.UrlOf(sha256, contentType, fileName, expiresAt);

    public IAsyncEnumerable<StoredFile> ListAsync(CancellationToken cancellationToken) => store.ListAsync(cancellationToken);

    public Task<byte[]?> ReadDocumentAsync(string name, CancellationToken cancellationToken) =>
        store.ReadDocumentAsync(name, cancellationToken);

    public async Task<bool> WriteDocumentAsync(string name, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancellationToken)
    {
        await ownership.EnsureMayPutAsync(cancellationToken);
        return await store.WriteDocumentAsync(name, content, replace, cancellationToken);
    }

    /// <summary>Checks that something can be written, and that it may be.</summary>
    /// <exception cref="ResultsStoreException">Nothing can be written, or the store belongs to another database.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await store.CheckAsync(cancellationToken);
        if (await ownership.LookAsync(cancellationToken) is (StoreOwner.Missing or StoreOwner.Another) and var owner)
        {
            throw new ResultsStoreException(ResultsOwnership.ProblemOf(owner)!);
        }
    }
}
