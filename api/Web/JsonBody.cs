using System.Security.Cryptography;
using System.Text.Json;

namespace Generation.Api.Web;

/// <summary>The body of a request that is a JSON object.</summary>
/// <param name="Root">The object.</param>
/// <param name="Bytes">The body as it came, for fingerprints.</param>
internal sealed record JsonBody(JsonElement Root, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Reads a request's body.</summary>
    /// <exception cref="ProblemException">The body is not JSON, is no object, or is too large.</exception>
    public static async Task<JsonBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        string type = request.ContentType?.Split(';')[0].Trim() ?? "";
        if (
            !type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && !type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
        )
        {
            throw new ProblemException(
                415,
                "unsupported_content_type",
                $"Send JSON with 'Content-Type: application/json', not {(type.Length == 0 ? "without one" : $"'{type}'")}."
            );
        }

        byte[] bytes = await BodyBytes.ReadAsync(request.Body, request.ContentLength, maxBytes, cancellationToken);
        if (bytes.Length == 0)
        {
            throw new ProblemException(400, "malformed_json", "The body is empty; a JSON object was expected.");
        }

        JsonElement root;
        try
        {
            root = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 32 }).RootElement;
        }
        catch (JsonException e)
        {
            throw new ProblemException(
                400,
                "malformed_json",
                $"The body is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1} of it: {Reason(e)}"
            );
        }

        return root.ValueKind == JsonValueKind.Object
            ? new JsonBody(root, bytes)
            : throw new ProblemException(400, "malformed_json", $"The body must be a JSON object, and is {ErrorText.KindOf(root)}.");
    }

    /// <summary>SHA-256 of path and body: two requests that have the same one ask for the same.</summary>
    public byte[] Fingerprint(HttpRequest request)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{request.Method} {request.Path}\n"));
        hash.AppendData(Bytes.Span);
        return hash.GetHashAndReset();
    }

    private static string Reason(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }
}
