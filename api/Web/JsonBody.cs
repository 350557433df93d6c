using System.Security.Cryptography;
using System.Text;

namespace Generation.Api.Web;

/// <summary>The body of a request that says that it is JSON; <see cref="StrictReader"/> reads it.</summary>
/// <param name="Bytes">The body, without a byte order mark.</param>
/// <param name="Fingerprint">SHA-256 of method, path and body: two requests that have the same one ask for the same.</param>
internal sealed record JsonBody(Memory<byte> Bytes, byte[] Fingerprint)
{
    /// <summary>Reads a request's body.</summary>
    /// <exception cref="ProblemException">The body is empty, of another type, or too large.</exception>
    public static async Task<JsonBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        string[] parts = [.. (request.ContentType ?? "").Split(';').Select(part => part.Trim())];
        string type = parts[0];
        if (
            !type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && !type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
        )
        {
            throw new ProblemException(
                415,
                "unsupported_content_type",
                $"Send JSON with 'Content-Type: application/json', not {(type.Length == 0 ? "without one" : $"'{ErrorText.Shown(type)}'")}."
            );
        }

        if (
            parts[1..].FirstOrDefault(part => part.StartsWith("charset=", StringComparison.OrdinalIgnoreCase)) is { } charset
            && charset["charset=".Length..].Trim('"').ToLowerInvariant() is not ("utf-8" or "utf8" or "us-ascii")
        )
        {
            throw new ProblemException(
                415,
                "unsupported_content_type",
                $"Send JSON in UTF-8 (RFC 8259), not with '{ErrorText.Shown(charset)}'."
            );
        }

        Memory<byte> bytes = BodyBytes.WithoutMark(await BodyBytes.ReadAsync(request, maxBytes, cancellationToken));
        return bytes.IsEmpty
            ? throw new ProblemException(400, "malformed_json", "The body is empty; a JSON object was expected.")
            : new JsonBody(bytes, FingerprintOf(request, bytes.Span));
    }

    private static byte[] FingerprintOf(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}\n"));
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }
}
