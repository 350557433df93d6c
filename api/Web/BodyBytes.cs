using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Web;

/// <summary>
/// Reads the whole body of a request, up to a limit, into one array of its size. The array is the request's own: whoever decodes what
/// lies in it may do so in place. Nothing is copied to more than one array at a time, so that a body takes its size, or twice that for
/// the moment in which one of unknown length is put together.
/// </summary>
internal static class BodyBytes
{
    /// <summary>What is read of a body of unknown length lies in arrays of this size at first, and of up to the next later.</summary>
    private const int LeastPiece = 1 << 14;

    private const int MostPiece = 1 << 22;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads all bytes of a body.</summary>
    /// <exception cref="ProblemException">
    /// The body is larger than <paramref name="maxBytes"/>, or the bodies of all calls take too much.
    /// </exception>
    public static async Task<byte[]> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        Allow(request, maxBytes);
        BodyShare share = BodyBudget.Of(request.HttpContext);
        return request.ContentLength is { } length
            ? await ReadAsync(request.BodyReader, length, share, cancellationToken)
            : await ReadUnknownAsync(request.BodyReader, maxBytes, share, cancellationToken);
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

    private static async Task<byte[]> ReadAsync(PipeReader reader, long length, BodyShare share, CancellationToken cancellationToken)
    {
        share.Take(length);
        byte[] all = [];
        int count = 0;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > length - count)
            {
                throw new ProblemException(400, "bad_request", $"The body is longer than its Content-Length of {length} bytes.");
            }

            if (all.Length == 0 && length > 0)
            {
                // Only now that there is something to put into it
                all = GC.AllocateUninitializedArray<byte>((int)length);
            }

            read.Buffer.CopyTo(all.AsSpan(count));
            count += (int)read.Buffer.Length;
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return count == length
                    ? all
                    : throw new ProblemException(
                        400,
                        "bad_request",
                        $"The body ends after {count} bytes of its Content-Length of {length}."
                    );
            }
        }
    }

    private static async Task<byte[]> ReadUnknownAsync(
        PipeReader reader,
        long maxBytes,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        var pieces = new List<ArraySegment<byte>>();
        byte[] piece = [];
        int filled = 0;
        long total = 0;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            foreach (ReadOnlyMemory<byte> part in read.Buffer)
            {
                if ((total += part.Length) > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                ReadOnlyMemory<byte> rest = part;
                while (!rest.IsEmpty)
                {
                    if (filled == piece.Length)
                    {
                        if (filled > 0)
                        {
                            pieces.Add(piece);
                        }

                        int size = Math.Clamp(piece.Length * 2, LeastPiece, MostPiece);
                        share.Take(size);
                        piece = GC.AllocateUninitializedArray<byte>(size);
                        filled = 0;
                    }

                    int count = Math.Min(rest.Length, piece.Length - filled);
                    rest[..count].CopyTo(piece.AsMemory(filled));
                    filled += count;
                    rest = rest[count..];
                }
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        long held = pieces.Sum(p => (long)p.Count) + piece.Length;
        pieces.Add(new ArraySegment<byte>(piece, 0, filled));
        share.Take(total);
        byte[] all = GC.AllocateUninitializedArray<byte>((int)total);
        int at = 0;
        foreach (ArraySegment<byte> some in pieces)
        {
            some.CopyTo(all, at);
            at += some.Count;
        }

        share.GiveBack(held);
        return all;
    }

    private static ProblemException TooLarge(long maxBytes) => new(413, "body_too_large", $"The body may have {maxBytes} bytes at most.");
}
