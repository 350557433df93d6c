using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Web;

/// <summary>
/// A text that many fetch, in the encoding that each of them takes: compressed once, when it is first asked for so, and kept.
/// Its tag is a hash of its bytes.
/// </summary>
internal sealed class CompressedFile
{
    private readonly byte[] _bytes;
    private readonly string _contentType;
    private readonly Lazy<byte[]> _brotli;
    private readonly Lazy<byte[]> _gzip;

    public CompressedFile(byte[] bytes, string contentType)
    {
        (_bytes, _contentType) = (bytes, contentType);
        Hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        _brotli = new Lazy<byte[]>(() => Compress(output => new BrotliStream(output, CompressionLevel.SmallestSize)));
        _gzip = new Lazy<byte[]>(() => Compress(output => new GZipStream(output, CompressionLevel.SmallestSize)));
    }

    /// <summary>SHA-256 of the bytes, in hexadecimal.</summary>
    public string Hash { get; }

    /// <summary>Answers with the file, or with 304 where the caller has it.</summary>
    public IResult Answer(HttpContext http)
    {
        (string? encoding, byte[] body) =
            Takes(http.Request, "br") ? ("br", _brotli.Value)
            : Takes(http.Request, "gzip") ? ("gzip", _gzip.Value)
            : (null, _bytes);
        if (encoding is not null)
        {
            http.Response.Headers.ContentEncoding = encoding;
        }

        http.Response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        return Results.Bytes(
            body,
            _contentType,
            entityTag: new EntityTagHeaderValue($"\"{Hash}{(encoding is null ? "" : "-" + encoding)}\"")
        );
    }

    private static bool Takes(HttpRequest request, string encoding) =>
        request
            .GetTypedHeaders()
            .AcceptEncoding.Any(taken => taken.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase) && taken.Quality is not 0);

    private byte[] Compress(Func<Stream, Stream> compressor)
    {
        using var output = new MemoryStream();
        using (Stream stream = compressor(output))
        {
            stream.Write(_bytes);
        }

        return output.ToArray();
    }
}
