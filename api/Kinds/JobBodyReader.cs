using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Api.Web;

namespace Generation.Api.Kinds;

/// <summary>The body of a request as it came.</summary>
/// <param name="Body">The body, of the kind's class.</param>
/// <param name="Fingerprint">SHA-256 of path and body, by which a repeated request is known.</param>
internal sealed record ReceivedBody(JobBody Body, byte[] Fingerprint) : IBodyContent
{
    /// <inheritdoc/>
    public long Release()
    {
        foreach ((_, PictureSource? source) in Body.Pictures)
        {
            source?.Release();
        }

        // Texts are strings of their own
        return 0;
    }
}

/// <summary>
/// Reads a request's body into its kind's class: JSON, or, where the kind takes pictures, a multipart form with the same fields, in which
/// arrays and objects are JSON and pictures may be files, named as their field or as control[0].image.
/// </summary>
internal static partial class JobBodyReader
{
    public const string Json = "application/json";
    public const string Multipart = FormParts.Multipart;

    private const int MaxFields = 200;

    /// <summary>How many bytes all fields of a form that are not pictures may have together.</summary>
    private const int MaxFieldBytes = 1 << 18;

    /// <summary>Reads a request's body; what is wrong with single fields goes to <paramref name="errors"/>.</summary>
    /// <param name="request">The request.</param>
    /// <param name="kind">The kind that it asks for.</param>
    /// <param name="maxBytes">The largest body.</param>
    /// <param name="errors">Takes what is wrong with single fields.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ProblemException">The body cannot be read at all, or is too large.</exception>
    public static async Task<ReceivedBody> ReadAsync(
        HttpRequest request,
        KindDefinition kind,
        long maxBytes,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
    {
        JobBody body = kind.NewBody();
        if (request.HasFormContentType && kind.TakesPictures)
        {
            Memory<byte> form = await BodyBytes.ReadAsync(request, maxBytes, cancellationToken);
            IReadOnlyList<FormPart> parts = await FormParts.ReadAsync(request.ContentType, form, cancellationToken);
            return new ReceivedBody(body, ReadForm(request, body, parts, errors));
        }

        JsonBody json = await JsonBody.ReadAsync(request, maxBytes, cancellationToken);
        StrictReader.ReadInto(body, json.Bytes, errors);
        return new ReceivedBody(body, json.Fingerprint);
    }

    /// <summary>Reads a form into a body; returns the request's fingerprint.</summary>
    private static byte[] ReadForm(HttpRequest request, JobBody body, IReadOnlyList<FormPart> parts, FieldErrors errors)
    {
        if (parts.Count > MaxFields)
        {
            throw new ProblemException(413, "malformed_form", $"The form may have {MaxFields} fields and files at most.");
        }

        // Before any of them is decoded where it lies; in whatever order they came
        FormPart[] sorted = [.. parts.OrderBy(part => part.IsFile).ThenBy(part => part.Name, StringComparer.Ordinal)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes($"{request.Method} {request.Path}"));
        foreach (FormPart part in sorted)
        {
            Append(hash, Encoding.UTF8.GetBytes(part.Name));
            Append(hash, part.Content.Span);
        }

        Dictionary<string, PropertyInfo> known = StrictReader.FieldsOf(body.GetType());
        FormPart[] fields = [.. sorted.Where(part => !part.IsFile)];
        FormPart[] texts = [.. fields.Where(field => known.GetValueOrDefault(field.Name)?.PropertyType != typeof(PictureSource))];
        if (texts.Sum(field => (long)field.Content.Length) is var bytes and > MaxFieldBytes)
        {
            throw new ProblemException(
                413,
                "malformed_form",
                $"The fields that are no pictures may have {MaxFieldBytes} bytes at most, all together, and have {bytes}."
            );
        }

        StrictReader.ReadInto(body, JsonOf(texts, known, errors), errors);
        foreach (FormPart picture in fields.Except(texts).Where(picture => !picture.Content.IsEmpty))
        {
            SetPicture(
                body,
                picture.Name,
                picture.Content.Length > PictureSource.MaxTextBytes
                    ? PictureSource.OfEncoded(picture.Content, isEscaped: false)
                    : PictureSource.Of(picture.Text),
                errors
            );
        }

        foreach (FormPart file in sorted.Where(part => part.IsFile))
        {
            SetPicture(body, file.Name, PictureSource.Of(file.Content), errors);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>Converts a form's fields into the JSON object that they stand for.</summary>
    private static byte[] JsonOf(FormPart[] fields, Dictionary<string, PropertyInfo> known, FieldErrors errors)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (IGrouping<string, FormPart> field in fields.GroupBy(part => part.Name, StringComparer.Ordinal))
            {
                string[] texts = [.. field.Select(part => part.Text)];
                Type type = known.TryGetValue(field.Key, out PropertyInfo? property)
                    ? Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType
                    : typeof(string);
                if (texts.Length > 1 && !type.IsArray)
                {
                    errors.Add(ErrorText.Shown(field.Key), "is given twice");
                }
                else if (texts is not [""] || type == typeof(string))
                {
                    writer.WritePropertyName(field.Key);
                    Write(writer, type, texts);
                }
            }

            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Writes a value in the form that its field's type reads. A value that does not fit stays text, and is refused as such.
    /// </summary>
    private static void Write(Utf8JsonWriter writer, Type type, string[] texts)
    {
        string text = texts[0].Trim();
        if (type == typeof(bool) && bool.TryParse(text, out bool flag))
        {
            writer.WriteBooleanValue(flag);
        }
        else if (
            (type == typeof(int) || type == typeof(long) || type == typeof(double))
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number)
        )
        {
            writer.WriteNumberValue(number);
        }
        else if (type == typeof(string[]) && !text.StartsWith('['))
        {
            writer.WriteStartArray();
            Array.ForEach(texts, writer.WriteStringValue);
            writer.WriteEndArray();
        }
        else if (type.IsPrimitive || type == typeof(string) || !IsJson(text))
        {
            writer.WriteStringValue(texts[0]);
        }
        else
        {
            writer.WriteRawValue(text, skipInputValidation: true);
        }
    }

    private static bool IsJson(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = 30 });
            bool any = false;
            while (reader.Read())
            {
                any = true;
            }

            return any;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Sets the field that a picture's name means.</summary>
    private static void SetPicture(JobBody body, string name, PictureSource picture, FieldErrors errors)
    {
        Dictionary<string, PropertyInfo> fields = StrictReader.FieldsOf(body.GetType());
        object target = body;
        string last = name;
        if (
            Indexed().Match(name) is { Success: true } match
            && fields.TryGetValue(match.Groups["list"].Value, out PropertyInfo? list)
            && list.PropertyType.GetElementType() is { } element
            && StrictReader.IsPicture(element, match.Groups["field"].Value)
        )
        {
            int index = int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture);
            Array items = (Array?)list.GetValue(body) ?? Array.CreateInstance(element, 0);
            if (index > items.Length)
            {
                errors.Add(ErrorText.Shown(name), $"has the index {index}, and {items.Length} come before it");
                return;
            }

            if (index == items.Length)
            {
                var longer = Array.CreateInstance(element, index + 1);
                items.CopyTo(longer, 0);
                longer.SetValue(Activator.CreateInstance(element), index);
                list.SetValue(body, longer);
                items = longer;
            }

            target = items.GetValue(index)!;
            last = match.Groups["field"].Value;
        }

        if (!StrictReader.IsPicture(target.GetType(), last))
        {
            IEnumerable<string> pictures = fields.Where(f => f.Value.PropertyType == typeof(PictureSource)).Select(f => f.Key);
            errors.Add(ErrorText.Shown(name), $"there is no picture of this name{ErrorText.DidYouMean(name, pictures)}");
            return;
        }

        PropertyInfo property = StrictReader.FieldsOf(target.GetType())[last];
        if (property.GetValue(target) is not null)
        {
            errors.Add(name, "is given twice");
        }
        else
        {
            property.SetValue(target, picture);
        }
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        hash.AppendData(BitConverter.GetBytes(bytes.Length));
        hash.AppendData(bytes);
    }

    [GeneratedRegex(
        @"^(?<list>[a-z_]{1,40})\[(?<index>[0-9]{1,2})\]\.(?<field>[a-z_]{1,40})$",
        RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Indexed();
}
