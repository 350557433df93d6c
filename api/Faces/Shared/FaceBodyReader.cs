using System.Text.Json;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// Reads a body by its content first and its content type second, because curl sends JSON as a form, and scripts send JSON and
/// forms with no content type at all.
/// </summary>
internal static class FaceBodyReader
{
    /// <summary>Most values of a JSON body, counting those in lists and objects.</summary>
    private const int MaxValues = 10_000;

    /// <summary>No field has a longer name: others are passed over.</summary>
    private const int MaxNameBytes = 256;

    /// <summary>How bodies are read: as leniently as other services do.</summary>
    internal static readonly JsonReaderOptions JsonOptions = new()
    {
        MaxDepth = 32,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Reads body and query string into fields; the body's come after, and so count where both have one.</summary>
    /// <exception cref="ProblemException">The body is too large, or in no form that can be read.</exception>
    public static async Task<FaceBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        byte[] bytes = await BodyBytes.ReadAsync(request, maxBytes, cancellationToken);
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

    /// <summary>Reads the bytes of a body into fields.</summary>
    /// <exception cref="ProblemException">The body is in no form that can be read.</exception>
    public static async Task ReadAsync(FaceBody body, string? contentType, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        Memory<byte> content = BodyBytes.WithoutMark(bytes).TrimStart(" \t\r\n"u8);
        switch (FormOf(contentType, content.Span))
        {
            case FaceBodyForm.Multipart:
                foreach (FormPart part in await FormParts.ReadMultipartAsync(contentType, content, cancellationToken))
                {
                    body.Add(part.Name, ValueOf(part));
                }

                break;
            case FaceBodyForm.Json:
                ReadJson(body, content);
                break;
            case FaceBodyForm.UrlEncoded:
                ReadForm(body, content);
                break;
        }
    }

    /// <summary>In which form a body is, by its beginning and its content type.</summary>
    public static FaceBodyForm FormOf(string? contentType, ReadOnlySpan<byte> content) =>
        content.IsEmpty ? FaceBodyForm.Empty
        : contentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true || content is [(byte)'-', (byte)'-', ..]
            ? FaceBodyForm.Multipart
        : content[0] is (byte)'{' or (byte)'[' or (byte)'"' || contentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true
            ? FaceBodyForm.Json
        : FaceBodyForm.UrlEncoded;

    /// <summary>Adds the members of a JSON object to a body.</summary>
    /// <exception cref="ProblemException">The text is not JSON, no object, or has too many values.</exception>
    public static void ReadJson(FaceBody body, Memory<byte> content)
    {
        try
        {
            var reader = new Utf8JsonReader(content.Span, JsonOptions);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw Malformed($"must be a JSON object, and is {ErrorText.KindOf(reader.TokenType)}.");
            }

            int values = 0;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                string? name = NameOf(ref reader);
                reader.Read();
                FaceValue value = ValueOf(content, ref reader, ref values);
                if (name is not null)
                {
                    body.Add(name, value);
                }
            }

            // Nothing may follow
            reader.Read();
        }
        catch (JsonException e)
        {
            throw NotJson(e);
        }
    }

    /// <summary>The error of a body that is no JSON.</summary>
    public static ProblemException NotJson(JsonException e) =>
        Malformed($"is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1} of it cannot be read.");

    private static FaceValue ValueOf(Memory<byte> json, ref Utf8JsonReader reader, ref int values)
    {
        if (++values > MaxValues)
        {
            throw Malformed($"may have {MaxValues} values at most, counting those in lists.");
        }

        int start = (int)reader.TokenStartIndex;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return FaceValue.OfString(json.Slice(start + 1, reader.ValueSpan.Length), reader.ValueIsEscaped);
            case JsonTokenType.StartArray:
                var items = new List<FaceValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ValueOf(json, ref reader, ref values));
                }

                return FaceValue.Of(items, json[start..(int)reader.BytesConsumed]);
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, FaceValue>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    string? name = NameOf(ref reader);
                    reader.Read();
                    FaceValue member = ValueOf(json, ref reader, ref values);
                    if (name is not null)
                    {
                        members[name] = member;
                    }
                }

                return FaceValue.Of(members, json[start..(int)reader.BytesConsumed]);
            default:
                return FaceValue.OfLiteral(reader.TokenType, json.Slice(start, reader.ValueSpan.Length));
        }
    }

    /// <summary>A field's name; null where it is longer than any.</summary>
    private static string? NameOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.ValueSpan.Length <= MaxNameBytes ? reader.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            throw Malformed("has a field whose name is not valid Unicode.");
        }
    }

    private static void ReadForm(FaceBody body, Memory<byte> content)
    {
        if (!content.Span.Contains((byte)'='))
        {
            throw new ProblemException(400, "malformed_body", "The body is neither JSON nor a form.");
        }

        foreach (FormPart part in FormParts.ReadUrlEncoded(content.TrimEnd("\r\n"u8)))
        {
            body.Add(part.Name, FaceValue.OfString(part.Content, isEscaped: false));
        }
    }

    private static FaceValue ValueOf(FormPart part)
    {
        // Some clients send a file's bytes without a name, and plain values with one
        bool isFile =
            part.ContentType.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
            || part.ContentType.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase)
            || (
                part.IsFile
                && !part.ContentType.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
                && part.ContentType != "application/json"
            );
        return isFile
            ? FaceValue.Of(new FaceFile(part.FileName ?? "", part.ContentType, part.Content))
            : FaceValue.OfString(part.Content, isEscaped: false);
    }

    private static ProblemException Malformed(string why) => new(400, "malformed_json", $"The body {why}");
}

/// <summary>In which form a body's fields are.</summary>
internal enum FaceBodyForm
{
    /// <summary>There is none.</summary>
    Empty,

    /// <summary>A JSON object.</summary>
    Json,

    /// <summary>name=value&amp;...</summary>
    UrlEncoded,

    /// <summary>Parts between lines with a boundary.</summary>
    Multipart,
}
