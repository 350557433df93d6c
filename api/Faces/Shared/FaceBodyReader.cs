using System.Text;
using System.Text.Json;
using Generation.Api.Web;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// Reads a body by its content first and its content type second, because curl sends JSON as a form, and scripts send JSON and
/// forms with no content type at all.
/// </summary>
internal static class FaceBodyReader
{
    private const int MaxBoundary = 200;
    private const int MaxParts = 1000;

    /// <summary>Reads body and query string into fields; the body's come after, and so count where both have one.</summary>
    /// <exception cref="ProblemException">The body is too large, or in no form that can be read.</exception>
    public static async Task<FaceBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        byte[] bytes = await BodyBytes.ReadAsync(request.Body, request.ContentLength, maxBytes, cancellationToken);
        var body = new FaceBody();
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in request.Query)
        {
            foreach (string? value in values)
            {
                body.Add(name, FaceValue.Of(value ?? ""));
            }
        }

        await ReadAsync(body, request.ContentType, bytes, cancellationToken);
        return body;
    }

    private static async Task ReadAsync(FaceBody body, string? contentType, byte[] bytes, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> content = bytes;
        if (content.Span is [0xEF, 0xBB, 0xBF, ..])
        {
            content = content[3..];
        }

        content = content.TrimStart(" \t\r\n"u8);
        if (content.IsEmpty)
        {
            return;
        }

        bool isMultipart = contentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true;
        if (isMultipart || content.Span is [(byte)'-', (byte)'-', ..])
        {
            await ReadMultipartAsync(body, Boundary(contentType, content.Span), content, cancellationToken);
        }
        else if (
            content.Span[0] is (byte)'{' or (byte)'[' or (byte)'"'
            || contentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true
        )
        {
            ReadJson(body, content);
        }
        else
        {
            ReadForm(body, content.Span);
        }
    }

    private static void ReadJson(FaceBody body, ReadOnlyMemory<byte> content)
    {
        JsonElement root;
        try
        {
            root = JsonDocument
                .Parse(
                    content,
                    new JsonDocumentOptions
                    {
                        MaxDepth = 32,
                        AllowTrailingCommas = true,
                        CommentHandling = JsonCommentHandling.Skip,
                    }
                )
                .RootElement;
        }
        catch (JsonException e)
        {
            throw new ProblemException(
                400,
                "malformed_json",
                $"The body is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1} of it cannot be read."
            );
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new ProblemException(400, "malformed_json", $"The body must be a JSON object, and is {ErrorText.KindOf(root)}.");
        }

        foreach (JsonProperty property in root.EnumerateObject())
        {
            body.Add(property.Name, FaceValue.Of(property.Value));
        }
    }

    private static void ReadForm(FaceBody body, ReadOnlySpan<byte> content)
    {
        string text = Encoding.UTF8.GetString(content);
        if (!text.Contains('='))
        {
            throw new ProblemException(400, "malformed_body", "The body is neither JSON nor a form.");
        }

        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in QueryHelpers.ParseQuery(text.TrimEnd('\r', '\n')))
        {
            foreach (string? value in values)
            {
                body.Add(name, FaceValue.Of(value ?? ""));
            }
        }
    }

    private static async Task ReadMultipartAsync(
        FaceBody body,
        string boundary,
        ReadOnlyMemory<byte> content,
        CancellationToken cancellationToken
    )
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        var reader = new MultipartReader(boundary, stream);
        try
        {
            for (int parts = 0; await reader.ReadNextSectionAsync(cancellationToken) is { } section; parts++)
            {
                if (parts == MaxParts)
                {
                    throw new ProblemException(400, "malformed_form", $"The form may have {MaxParts} parts at most.");
                }

                await AddAsync(body, section, cancellationToken);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new ProblemException(400, "malformed_form", $"The form cannot be read: {e.Message}");
        }
    }

    private static async Task AddAsync(FaceBody body, MultipartSection section, CancellationToken cancellationToken)
    {
        if (
            !ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition)
            || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name
        )
        {
            return;
        }

        using var bytes = new MemoryStream();
        await section.Body.CopyToAsync(bytes, cancellationToken);
        string? fileName = HeaderUtilities
            .RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName)
            .Value;
        string type = section.ContentType?.Split(';')[0].Trim() ?? "";
        // Some clients send a file's bytes without a name, and plain values with one
        bool isFile =
            type.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
            || type.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase)
            || (fileName is not null && !type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) && type != "application/json");
        body.Add(
            name,
            isFile
                ? FaceValue.Of(new FaceFile(fileName ?? "", type, bytes.ToArray()))
                : FaceValue.Of(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length))
        );
    }

    private static string Boundary(string? contentType, ReadOnlySpan<byte> content)
    {
        if (
            MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
            && HeaderUtilities.RemoveQuotes(type.Boundary).Value is { Length: > 0 and <= MaxBoundary } given
        )
        {
            return given;
        }

        // Not told: the first line has it
        int end = content.IndexOfAny((byte)'\r', (byte)'\n');
        return end is > 2 and <= MaxBoundary && content is [(byte)'-', (byte)'-', ..]
            ? Encoding.ASCII.GetString(content[2..end])
            : throw new ProblemException(
                400,
                "malformed_form",
                "The form has no boundary: let your HTTP library write the Content-Type of a multipart body."
            );
    }
}
