using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Generation.Storage.Results;

public sealed partial class S3ResultsStore
{
    /// <summary>
    /// How long a process waits after writing, where the server has no conditional writes, until another that wrote at the same time has
    /// written too.
    /// </summary>
    private static readonly TimeSpan WithoutConditions = TimeSpan.FromSeconds(1);

    public async Task<byte[]?> ReadDocumentAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            using GetObjectResponse answer = await _client.GetObjectAsync(_options.Bucket, DocumentOf(name), cancellationToken);
            using var content = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(content, cancellationToken);
            return content.ToArray();
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchKey")
        {
            return null;
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Away(e);
        }
    }

    public async Task<bool> WriteDocumentAsync(string name, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancellationToken)
    {
        try
        {
            if (replace)
            {
                await PutDocumentAsync(name, content, null, cancellationToken);
                return true;
            }

            return await AddDocumentAsync(name, content, cancellationToken);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Away(e);
        }
    }

    private async Task<bool> AddDocumentAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            await PutDocumentAsync(name, content, "*", cancellationToken);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return false;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotImplemented)
        {
            // Not every server knows the condition: of two that add at once, the one whose document is there after a while has won
            if (await ReadDocumentAsync(name, cancellationToken) is not null)
            {
                return false;
            }

            await PutDocumentAsync(name, content, null, cancellationToken);
            await Task.Delay(WithoutConditions, cancellationToken);
            return await ReadDocumentAsync(name, cancellationToken) is { } there && content.Span.SequenceEqual(there);
        }
    }

    private async Task PutDocumentAsync(string name, ReadOnlyMemory<byte> content, string? ifNoneMatch, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        await _client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = _options.Bucket,
                Key = DocumentOf(name),
                InputStream = stream,
                ContentType = "application/json",
                AutoCloseStream = false,
                UseChunkEncoding = false,
                IfNoneMatch = ifNoneMatch,
            },
            cancellationToken
        );
    }

    private string DocumentOf(string name) => _options.Prefix + FileResultsStore.DocumentName(name);
}
