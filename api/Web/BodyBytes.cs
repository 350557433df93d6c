using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Web;

/// <summary>
/// Reads the whole body of a request, up to a limit, into one array of its size. The array is the request's own: whoever decodes what
/// lies in it may do so in place.
/// </summary>
internal static class BodyBytes
{
    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads all bytes of a body.</summary>
    /// <exception cref="ProblemException">
    /// The body is larger than <paramref name="maxBytes"/>, is compressed or comes too slowly, or the bodies of all calls take too much.
    /// </exception>
    public static async Task<byte[]> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        Allow(request, maxBytes);
        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding && encoding != "identity")
        {
            // How much memory it takes is known only to whoever unpacks it
            throw new ProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "unsupported_content_encoding",
                $"Send the body as it is, without 'Content-Encoding: {ErrorText.Shown(encoding)}'."
            );
        }

        BodyShare share = BodyBudget.Of(request.HttpContext);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(share.ReadLimit);
        try
        {
            return await ReadAsync(request.BodyReader, request.ContentLength, maxBytes, share, limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ProblemException(
                StatusCodes.Status408RequestTimeout,
                "body_too_slow",
                $"The body was not there within {share.ReadLimit.TotalSeconds} s. Nothing was done."
            );
        }
    }

    /// <summary>Makes the server take a body of up to so many bytes, before any of it is read.</summary>
    /// <exception cref="ProblemException">The body says that it is larger.</exception>
    public static void Allow(HttpRequest request, long maxBytes)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }
    }

    /// <summary>A text without the byte order mark that some programs write before it (RFC 8259, section 8.1).</summary>
    public static Memory<byte> WithoutMark(Memory<byte> text) => text.Span.StartsWith(ByteOrderMark) ? text[ByteOrderMark.Length..] : text;

    private static async Task<byte[]> ReadAsync(
        PipeReader reader,
        long? length,
        long maxBytes,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        var body = new BodyBuffer(length, share);
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            try
            {
                long count = body.Count + read.Buffer.Length;
                if (count > length)
                {
                    throw new ProblemException(400, "bad_request", $"The body is longer than its Content-Length of {length} bytes.");
                }

                if (count > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                body.Add(read.Buffer);
            }
            finally
            {
                // Also where it is refused: the server cannot go on from a read that was not ended, and would close the connection unsaid
                reader.AdvanceTo(read.Buffer.End);
            }

            if (read.IsCompleted)
            {
                return length is null || body.Count == length
                    ? body.ToArray()
                    : throw new ProblemException(
                        400,
                        "bad_request",
                        $"The body ends after {body.Count} bytes of its Content-Length of {length}."
                    );
            }
        }
    }

    private static ProblemException TooLarge(long maxBytes) => new(413, "body_too_large", $"The body may have {maxBytes} bytes at most.");
}
