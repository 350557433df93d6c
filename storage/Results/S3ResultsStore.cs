using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Generation.Storage.Tls;

namespace Generation.Storage.Results;

/// <summary>
/// Stores outputs in an S3 bucket: PREFIXab/cd/abcd... An object appears when its last byte has arrived and not before, as S3 guarantees;
/// the client tries again what fails in passing.
/// </summary>
public sealed partial class S3ResultsStore : IResultsStore, IDisposable
{
    private readonly AmazonS3Client _client;
    private readonly AmazonS3Client _signer;
    private readonly S3Options _options;

    /// <param name="options">Which bucket, and how it is reached.</param>
    /// <param name="trust">Which certificates are trusted besides those of the system's authorities; null: no others.</param>
    public S3ResultsStore(S3Options options, ServerTrust? trust = null)
    {
        _options = options;
        _client = ClientOf(options, options.ServiceUrl, trust);
        // The host is part of what is signed: an address for others is signed for the name that they use
        _signer = options.PublicUrl is { Length: > 0 } address ? ClientOf(options, address, trust) : _client;
    }

    private static AmazonS3Client ClientOf(S3Options options, string? serviceUrl, ServerTrust? trust)
    {
        var config = new AmazonS3Config
        {
            Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
            MaxErrorRetry = 4,
            RetryMode = RequestRetryMode.Standard,
        };
        if (trust?.AuthorityFile is not null)
        {
            config.HttpClientFactory = new TrustingHttpClients(trust);
        }

        if (serviceUrl is { Length: > 0 } address)
        {
            config.ServiceURL = address;
            config.AuthenticationRegion = options.Region;
            config.ForcePathStyle = true;
            // Servers that are not AWS know neither trailing checksums nor what is signed with them
            config.RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED;
            config.ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        // Without keys of our own: those of the machine or the environment
        return options.AccessKey is { Length: > 0 }
            ? new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config)
            : new AmazonS3Client(config);
    }

    public async Task<string> PutAsync(ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken)
    {
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(content.Span));
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        await SendAsync(sha256, stream, contentType, cancellationToken);
        return sha256;
    }

    public async Task<string> PutAsync(Stream content, string contentType, CancellationToken cancellationToken)
    {
        // The key is the hash, so the bytes must be seen once before they are sent
        string temporary = Path.Combine(Path.GetTempPath(), $"generation-{Guid.NewGuid():N}");
        await using var file = new FileStream(
            temporary,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
            }
        );
        await content.CopyToAsync(file, cancellationToken);
        file.Position = 0;
        string sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
        file.Position = 0;
        await SendAsync(sha256, file, contentType, cancellationToken);
        return sha256;
    }

    public async Task<Stream?> OpenAsync(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectResponse answer = await _client.GetObjectAsync(_options.Bucket, KeyOf(sha256), cancellationToken);
            return answer.ResponseStream;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Away(e);
        }
    }

    public async Task<bool> DeleteAsync(string sha256, CancellationToken cancellationToken)
    {
        if (!await ExistsAsync(sha256, cancellationToken))
        {
            return false;
        }

        await _client.DeleteObjectAsync(_options.Bucket, KeyOf(sha256), cancellationToken);
        return true;
    }

    public async Task<bool> DeleteOldAsync(string sha256, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectMetadataResponse present = await _client.GetObjectMetadataAsync(_options.Bucket, KeyOf(sha256), cancellationToken);
            if (present.LastModified is not { } modified || modified.ToUniversalTime() >= putBefore.UtcDateTime)
            {
                return false;
            }
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await _client.DeleteObjectAsync(_options.Bucket, KeyOf(sha256), cancellationToken);
        return true;
    }

    public async Task RecoverAsync(DateTimeOffset begunBefore, CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest { BucketName = _options.Bucket, Prefix = _options.Prefix };
        ListMultipartUploadsResponse answer;
        do
        {
            try
            {
                answer = await _client.ListMultipartUploadsAsync(request, cancellationToken);
            }
            catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotImplemented)
            {
                // Not for this key, or not known there: a rule of the bucket's own can end them, and the sweep needs none of it
                return;
            }

            foreach (MultipartUpload upload in answer.MultipartUploads ?? [])
            {
                if (upload.Initiated is { } begun && begun.ToUniversalTime() < begunBefore.UtcDateTime)
                {
                    await _client.AbortMultipartUploadAsync(_options.Bucket, upload.Key, upload.UploadId, cancellationToken);
                }
            }

            (request.KeyMarker, request.UploadIdMarker) = (answer.NextKeyMarker, answer.NextUploadIdMarker);
        } while (answer.IsTruncated == true);
    }

    public async IAsyncEnumerable<StoredFile> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _options.Bucket, Prefix = _options.Prefix };
        ListObjectsV2Response answer;
        do
        {
            answer = await _client.ListObjectsV2Async(request, cancellationToken);
            foreach (S3Object item in answer.S3Objects ?? [])
            {
                string name = item.Key[(item.Key.LastIndexOf('/') + 1)..];
                if (FileResultsStore.IsSha256(name))
                {
                    DateTime modified = item.LastModified ?? DateTime.UtcNow;
                    yield return new StoredFile(name, item.Size ?? 0, new DateTimeOffset(modified.ToUniversalTime(), TimeSpan.Zero));
                }
            }

            request.ContinuationToken = answer.NextContinuationToken;
        } while (answer.IsTruncated == true);
    }

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.ListObjectsV2Async(
                new ListObjectsV2Request
                {
                    BucketName = _options.Bucket,
                    Prefix = _options.Prefix,
                    MaxKeys = 1,
                },
                cancellationToken
            );
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchBucket")
        {
            throw new ResultsStoreException(
                $"There is no bucket '{_options.Bucket}' at {_options.ServiceUrl ?? "AWS"}: make it, or set Results:S3:Bucket.",
                e
            );
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            throw new ResultsStoreException(
                $"The bucket '{_options.Bucket}' refuses these keys ({e.ErrorCode}): look at Results:S3:AccessKey and SecretKey.",
                e
            );
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Away(e);
        }
    }

    private ResultsStoreException Away(Exception e) =>
        new(
            $"The bucket '{_options.Bucket}' at {_options.ServiceUrl ?? "AWS"} does not answer as it should: {e.Message} See that it is "
                + "there and that Results:S3 names it.",
            e
        );

    /// <summary>Makes the bucket if it does not exist.</summary>
    public async Task EnsureBucketAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.PutBucketAsync(_options.Bucket, cancellationToken);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // As it should be
        }
    }

    public Uri? UrlOf(string sha256, string contentType, string fileName, DateTimeOffset expiresAt) =>
        new(
            _signer.GetPreSignedURL(
                new GetPreSignedUrlRequest
                {
                    BucketName = _options.Bucket,
                    Key = KeyOf(sha256),
                    Verb = HttpVerb.GET,
                    Protocol =
                        (_options.PublicUrl ?? _options.ServiceUrl)?.StartsWith("http:", StringComparison.OrdinalIgnoreCase) == true
                            ? Protocol.HTTP
                            : Protocol.HTTPS,
                    Expires = expiresAt.UtcDateTime,
                    ResponseHeaderOverrides = new ResponseHeaderOverrides
                    {
                        ContentType = contentType,
                        ContentDisposition = $"inline; filename=\"{fileName}\"",
                    },
                }
            )
        );

    public void Dispose()
    {
        if (!ReferenceEquals(_signer, _client))
        {
            _signer.Dispose();
        }

        _client.Dispose();
    }

    private async Task<bool> ExistsAsync(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            await _client.GetObjectMetadataAsync(_options.Bucket, KeyOf(sha256), cancellationToken);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Sends a file, even when it is there already, because that renews its time for the sweep of orphans.</summary>
    private async Task SendAsync(string sha256, Stream content, string contentType, CancellationToken cancellationToken)
    {
        try
        {
            if (content.Length > _options.PartBytes)
            {
                await SendPartsAsync(KeyOf(sha256), content, contentType, cancellationToken);
                return;
            }

            await _client.PutObjectAsync(
                new PutObjectRequest
                {
                    BucketName = _options.Bucket,
                    Key = KeyOf(sha256),
                    InputStream = content,
                    ContentType = contentType,
                    AutoCloseStream = false,
                    UseChunkEncoding = false,
                },
                cancellationToken
            );
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Away(e);
        }
    }

    /// <summary>Sends a file in parts, one after the other; the upload is abandoned as a whole if a part cannot be sent.</summary>
    private async Task SendPartsAsync(string key, Stream content, string contentType, CancellationToken cancellationToken)
    {
        InitiateMultipartUploadResponse upload = await _client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest
            {
                BucketName = _options.Bucket,
                Key = key,
                ContentType = contentType,
            },
            cancellationToken
        );
        try
        {
            var parts = new List<PartETag>();
            while (content.Position < content.Length)
            {
                long size = Math.Min(_options.PartBytes, content.Length - content.Position);
                // Each part from a stream of its own: the client reads it again when it tries again
                byte[] part = new byte[size];
                await content.ReadExactlyAsync(part, cancellationToken);
                using var stream = new MemoryStream(part, writable: false);
                UploadPartResponse answer = await _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _options.Bucket,
                        Key = key,
                        UploadId = upload.UploadId,
                        PartNumber = parts.Count + 1,
                        PartSize = size,
                        InputStream = stream,
                        UseChunkEncoding = false,
                    },
                    cancellationToken
                );
                parts.Add(new PartETag(parts.Count + 1, answer.ETag));
            }

            await _client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = _options.Bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                    PartETags = parts,
                },
                cancellationToken
            );
        }
        catch
        {
            await _client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest
                {
                    BucketName = _options.Bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                },
                CancellationToken.None
            );
            throw;
        }
    }

    private string KeyOf(string sha256) =>
        FileResultsStore.IsSha256(sha256)
            ? $"{_options.Prefix}{sha256[..2]}/{sha256[2..4]}/{sha256}"
            : throw new ArgumentException($"'{sha256}' is not a SHA-256.", nameof(sha256));
}
