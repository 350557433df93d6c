using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// Finds the key in the body of a request, as this service's clients send it, before anything else of the body is read. What is looked
/// at stays with the server, which would have received it anyway, and is read again once the key is known to be somebody's.
/// </summary>
internal static class ModelsLabKey
{
    /// <summary>
    /// The key must stand within so many bytes of the body's beginning: clients send it first. A key in the address or a header may go
    /// with any body.
    /// </summary>
    public const int MaxBytes = 1 << 20;

    private const string Field = "key";

    private static ReadOnlySpan<byte> FieldName => "key"u8;

    /// <summary>The key of a request, from its body or else its query string; null where it has none there.</summary>
    public static async Task<string?> FindAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        string? inQuery = request.Query[Field].ToString() is { Length: > 0 } key ? key : null;
        PipeReader body = request.BodyReader;
        // Looked at anew when it has doubled, and so at most some times however small the pieces are in which it comes
        for (long next = 1; ; )
        {
            ReadResult read = await body.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> seen = read.Buffer;
            bool isAll = read.IsCompleted || seen.Length >= MaxBytes;
            // All of it is there for the next reader
            SequencePosition examined = isAll ? seen.Start : seen.End;
            try
            {
                (string? found, bool isOver) =
                    seen.Length >= next || isAll ? Find(request.ContentType, seen, read.IsCompleted) : (null, false);
                if (found is not null || isOver || isAll)
                {
                    examined = seen.Start;
                    return found ?? inQuery;
                }

                next = seen.Length >= next ? Math.Min(seen.Length * 2, MaxBytes) : next;
            }
            finally
            {
                // Also where the body cannot be read: a server that is left in mid-read closes the connection
                body.AdvanceTo(seen.Start, examined);
            }
        }
    }

    /// <summary>The key in the beginning of a body, and whether no more of it needs to be seen.</summary>
    private static (string? Key, bool IsOver) Find(string? contentType, ReadOnlySequence<byte> beginning, bool isAll)
    {
        int length = (int)Math.Min(beginning.Length, MaxBytes);
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            beginning.Slice(0, length).CopyTo(rented);
            Memory<byte> content = BodyBytes.WithoutMark(rented.AsMemory(0, length)).TrimStart(" \t\r\n"u8);
            return FaceBodyReader.FormOf(contentType, content.Span) switch
            {
                FaceBodyForm.Json => InJson(content.Span, isAll),
                FaceBodyForm.UrlEncoded => (InForm(content, isAll), false),
                FaceBodyForm.Multipart => (InMultipart(content.Span), false),
                _ => (null, false),
            };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static (string? Key, bool IsOver) InJson(ReadOnlySpan<byte> json, bool isAll)
    {
        string? found = null;
        try
        {
            var reader = new Utf8JsonReader(json, isFinalBlock: isAll, new JsonReaderState(FaceBodyReader.JsonOptions));
            if (!reader.Read())
            {
                return (null, false);
            }

            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return (null, true);
            }

            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.EndObject)
                {
                    return (found, true);
                }

                bool isKey = reader.ValueTextEquals(FieldName);
                if (!reader.Read())
                {
                    break;
                }

                if (isKey)
                {
                    found = reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length < 1000 ? reader.GetString() : null;
                    if (found is { Length: > 0 })
                    {
                        return (found, true);
                    }
                }

                if (!reader.TrySkip())
                {
                    break;
                }
            }

            return (found, false);
        }
        catch (JsonException e)
        {
            throw FaceBodyReader.NotJson(e);
        }
        catch (InvalidOperationException)
        {
            // A key that is not Unicode is nobody's
            return (null, true);
        }
    }

    private static string? InForm(Memory<byte> form, bool isAll)
    {
        while (!form.IsEmpty)
        {
            int end = form.Span.IndexOf((byte)'&');
            if (end < 0 && !isAll)
            {
                // More of this field may come
                return null;
            }

            Memory<byte> field = end < 0 ? form : form[..end];
            form = end < 0 ? Memory<byte>.Empty : form[(end + 1)..];
            if (
                field.Length < 1000
                && field.Span.StartsWith("key="u8)
                && FormParts.ReadUrlEncoded(field.TrimEnd("\r\n"u8)) is [{ Content.Length: > 0 } part]
            )
            {
                return part.Text;
            }
        }

        return null;
    }

    private static string? InMultipart(ReadOnlySpan<byte> form)
    {
        // .NET writes names without quotes
        int at = form.IndexOf("name=\"key\""u8);
        at = at < 0 ? form.IndexOf("name=key\r\n"u8) : at;
        if (at < 0)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = form[at..];
        int start = rest.IndexOf("\r\n\r\n"u8);
        if (start is < 0 or > 1000)
        {
            return null;
        }

        rest = rest[(start + 4)..];
        int end = rest.IndexOf("\r\n"u8);
        return end is > 0 and < 1000 ? Encoding.UTF8.GetString(rest[..end]) : null;
    }
}
