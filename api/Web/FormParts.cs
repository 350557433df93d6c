using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Web;

/// <summary>A field or file of a form.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="FileName">The file's name; null where none was given.</param>
/// <param name="ContentType">Its media type without parameters; empty where none was given.</param>
/// <param name="Content">Its bytes, where they lie in the body.</param>
internal sealed record FormPart(string Name, string? FileName, string ContentType, Memory<byte> Content)
{
    /// <summary>Whether it came as a file.</summary>
    public bool IsFile => FileName is not null;

    /// <summary>The content as text; what is not UTF-8 in it becomes U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Content.Span);
}

/// <summary>The parts of a form whose body is in memory. No content is copied.</summary>
internal static class FormParts
{
    public const string Multipart = "multipart/form-data";

    private const int MaxBoundary = 200;
    private const int MaxParts = 1000;

    /// <summary>Reads a form's body by its content type: multipart, or as browsers send forms without files.</summary>
    /// <exception cref="ProblemException">The form cannot be read.</exception>
    public static Task<IReadOnlyList<FormPart>> ReadAsync(string? contentType, Memory<byte> body, CancellationToken cancellationToken) =>
        contentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true
            ? ReadMultipartAsync(contentType, body, cancellationToken)
            : Task.FromResult(ReadUrlEncoded(body));

    /// <summary>Reads a multipart body; its first line has the boundary where the content type does not tell it.</summary>
    /// <exception cref="ProblemException">The form cannot be read, or has too many parts.</exception>
    public static async Task<IReadOnlyList<FormPart>> ReadMultipartAsync(
        string? contentType,
        Memory<byte> body,
        CancellationToken cancellationToken
    )
    {
        string boundary = BoundaryOf(contentType, body.Span);
        ArraySegment<byte> bytes = MemoryMarshal.TryGetArray(body, out ArraySegment<byte> whole) ? whole : body.ToArray();
        using var stream = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(1 << 14);
        var parts = new List<FormPart>();
        try
        {
            var reader = new MultipartReader(boundary, stream);
            while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
            {
                int length = 0;
                int read;
                while ((read = await section.Body.ReadAsync(chunk, cancellationToken)) > 0)
                {
                    length += read;
                }

                if (PartOf(section, body.Slice((int)section.BaseStreamOffset!.Value, length)) is { } part)
                {
                    Add(parts, part);
                }
            }
        }
        // Not ended, a header without an end, no headers, ...
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException or FormatException)
        {
            throw Malformed($"cannot be read: {e.Message}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return parts;
    }

    /// <summary>Reads name=value&amp;..., and decodes it where it lies.</summary>
    /// <exception cref="ProblemException">The form has too many fields.</exception>
    public static IReadOnlyList<FormPart> ReadUrlEncoded(Memory<byte> body)
    {
        var parts = new List<FormPart>();
        while (!body.IsEmpty)
        {
            int end = body.Span.IndexOf((byte)'&');
            Memory<byte> field = end < 0 ? body : body[..end];
            body = end < 0 ? Memory<byte>.Empty : body[(end + 1)..];
            if (field.IsEmpty)
            {
                continue;
            }

            int equals = field.Span.IndexOf((byte)'=');
            string name = Encoding.UTF8.GetString(Decode(equals < 0 ? field : field[..equals]).Span);
            Add(parts, new FormPart(name, null, "", equals < 0 ? Memory<byte>.Empty : Decode(field[(equals + 1)..])));
        }

        return parts;
    }

    /// <summary>Decodes percent signs and pluses in place; a percent sign without two digits stands for itself.</summary>
    private static Memory<byte> Decode(Memory<byte> text)
    {
        Span<byte> bytes = text.Span;
        int first = bytes.IndexOfAny((byte)'%', (byte)'+');
        if (first < 0)
        {
            return text;
        }

        int to = first;
        for (int from = first; from < bytes.Length; from++)
        {
            byte value = bytes[from];
            if (value == '+')
            {
                value = (byte)' ';
            }
            else if (
                value == '%'
                && from + 2 < bytes.Length
                && char.IsAsciiHexDigit((char)bytes[from + 1])
                && char.IsAsciiHexDigit((char)bytes[from + 2])
            )
            {
                value = (byte)((HexValue(bytes[from + 1]) << 4) | HexValue(bytes[from + 2]));
                from += 2;
            }

            bytes[to++] = value;
        }

        return text[..to];
    }

    private static int HexValue(byte digit) => char.IsAsciiDigit((char)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static void Add(List<FormPart> parts, FormPart part)
    {
        if (parts.Count == MaxParts)
        {
            throw Malformed($"may have {MaxParts} parts at most.");
        }

        parts.Add(part);
    }

    private static FormPart? PartOf(MultipartSection section, Memory<byte> content)
    {
        if (
            !ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition)
            || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name
        )
        {
            return null;
        }

        string? fileName = HeaderUtilities
            .RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName)
            .Value;
        return new FormPart(name, fileName, section.ContentType?.Split(';')[0].Trim() ?? "", content);
    }

    private static string BoundaryOf(string? contentType, ReadOnlySpan<byte> content)
    {
        if (
            MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
            && HeaderUtilities.RemoveQuotes(type.Boundary).Value is { Length: > 0 and <= MaxBoundary } given
        )
        {
            return given;
        }

        int end = content.IndexOfAny((byte)'\r', (byte)'\n');
        return end is > 2 and <= MaxBoundary && content is [(byte)'-', (byte)'-', ..]
            ? Encoding.ASCII.GetString(content[2..end])
            : throw Malformed("has no boundary: let your HTTP library write the Content-Type of a multipart body.");
    }

    private static ProblemException Malformed(string why) => new(400, "malformed_form", $"The form {why}");
}
