using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Generation.Api.Web;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Kinds;

/// <summary>The body of a request as it came.</summary>
/// <param name="Body">The body, of the kind's class.</param>
/// <param name="Fingerprint">SHA-256 of path and body, by which a repeated request is known.</param>
internal sealed record ReceivedBody(JobBody Body, byte[] Fingerprint);

/// <summary>
/// Reads a request's body into its kind's class: JSON, or, where the kind takes pictures, a multipart form with the same fields,
/// in which arrays and objects are JSON and pictures may be files, named as their field or as control[0].image.
/// </summary>
internal static partial class JobBodyReader
{
    public const string Json = "application/json";
    public const string Multipart = "multipart/form-data";

    private const int MaxFields = 200;

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
            return new ReceivedBody(body, await ReadFormAsync(request, body, maxBytes, errors, cancellationToken));
        }

        JsonBody json = await JsonBody.ReadAsync(request, maxBytes, cancellationToken);
        StrictReader.ReadInto(body, json.Root, errors);
        return new ReceivedBody(body, json.Fingerprint(request));
    }

    /// <summary>Reads a form into a body; returns the request's fingerprint.</summary>
    private static async Task<byte[]> ReadFormAsync(
        HttpRequest request,
        JobBody body,
        long maxBytes,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
    {
        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(
                new FormOptions
                {
                    MultipartBodyLengthLimit = maxBytes,
                    ValueLengthLimit = (int)Math.Min(maxBytes, int.MaxValue),
                    ValueCountLimit = MaxFields,
                },
                cancellationToken
            );
        }
        catch (InvalidDataException e)
        {
            throw new ProblemException(
                e.Message.Contains("limit", StringComparison.Ordinal) ? 413 : 400,
                "malformed_form",
                $"The form cannot be read: {e.Message}"
            );
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, $"{request.Method} {request.Path}");
        StrictReader.ReadInto(body, Fields(body.GetType(), form, errors, hash), errors);
        foreach (IFormFile file in form.Files.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            await using Stream stream = file.OpenReadStream();
            byte[] bytes = await BodyBytes.ReadAsync(stream, file.Length, maxBytes, cancellationToken);
            Append(hash, file.Name);
            hash.AppendData(SHA256.HashData(bytes));
            SetPicture(body, file.Name, bytes, errors);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>The form's values as the JSON object that they stand for.</summary>
    private static JsonElement Fields(Type bodyType, IFormCollection form, FieldErrors errors, IncrementalHash hash)
    {
        Dictionary<string, PropertyInfo> known = StrictReader.FieldsOf(bodyType);
        var root = new JsonObject();
        foreach (
            (string name, Microsoft.Extensions.Primitives.StringValues values) in form.OrderBy(field => field.Key, StringComparer.Ordinal)
        )
        {
            string[] texts = [.. values.Select(v => v ?? "")];
            Append(hash, name);
            Array.ForEach(texts, text => Append(hash, text));
            Type type = known.TryGetValue(name, out PropertyInfo? field)
                ? Nullable.GetUnderlyingType(field.PropertyType) ?? field.PropertyType
                : typeof(string);
            if (texts.Length > 1 && !type.IsArray)
            {
                errors.Add(ErrorText.Shown(name), "is given twice");
            }
            else if (texts is not [""] || type == typeof(string))
            {
                root[name] = Value(type, texts);
            }
        }

        return JsonSerializer.SerializeToElement(root);
    }

    /// <summary>A value as its field's type reads it; what does not fit stays text, and is refused as such.</summary>
    private static JsonNode? Value(Type type, string[] texts)
    {
        string text = texts[0].Trim();
        if (type == typeof(bool))
        {
            return bool.TryParse(text, out bool flag) ? JsonValue.Create(flag) : JsonValue.Create(texts[0]);
        }

        if (type == typeof(int) || type == typeof(long) || type == typeof(double))
        {
            return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number)
                ? JsonValue.Create(number)
                : JsonValue.Create(texts[0]);
        }

        if (type == typeof(string[]) && !text.StartsWith('['))
        {
            return new JsonArray([.. texts.Select(t => (JsonNode)JsonValue.Create(t))]);
        }

        if (type == typeof(string) || type == typeof(PictureSource))
        {
            return JsonValue.Create(texts[0]);
        }

        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException)
        {
            return JsonValue.Create(texts[0]);
        }
    }

    /// <summary>Sets the field that a file's name means.</summary>
    private static void SetPicture(JobBody body, string name, byte[] bytes, FieldErrors errors)
    {
        Dictionary<string, PropertyInfo> fields = StrictReader.FieldsOf(body.GetType());
        object target = body;
        string last = name;
        if (
            Indexed().Match(name) is { Success: true } match
            && fields.TryGetValue(match.Groups["list"].Value, out PropertyInfo? list)
            && list.PropertyType.IsArray
        )
        {
            int index = int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture);
            Type element = list.PropertyType.GetElementType()!;
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

        if (
            !StrictReader.FieldsOf(target.GetType()).TryGetValue(last, out PropertyInfo? property)
            || property.PropertyType != typeof(PictureSource)
        )
        {
            IEnumerable<string> pictures = fields.Where(f => f.Value.PropertyType == typeof(PictureSource)).Select(f => f.Key);
            errors.Add(ErrorText.Shown(name), $"there is no picture of this name{ErrorText.DidYouMean(name, pictures)}");
        }
        else if (property.GetValue(target) is not null)
        {
            errors.Add(name, "is given twice");
        }
        else
        {
            property.SetValue(target, PictureSource.Of(bytes));
        }
    }

    private static void Append(IncrementalHash hash, string text)
    {
        hash.AppendData(BitConverter.GetBytes(text.Length));
        hash.AppendData(Encoding.UTF8.GetBytes(text));
    }

    [GeneratedRegex(
        @"^(?<list>[a-z_]{1,40})\[(?<index>[0-9]{1,2})\]\.(?<field>[a-z_]{1,40})$",
        RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Indexed();
}
