using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api;

/// <summary>A job's body as it came, with a hash by which a repeated request is known.</summary>
internal sealed record JobForm<TBody>(TBody Body, byte[] Fingerprint);

/// <summary>
/// Reads a job's body: JSON, or a multipart form with the same fields, in which arrays and objects are JSON and pictures
/// may be files: named as their field, or control[0].image.
/// </summary>
internal static partial class JobForm
{
    public const string Json = "application/json";
    public const string Multipart = "multipart/form-data";

    private const int MaxFields = 200;

    /// <summary>Reads a request's body; what is wrong with single fields goes to <paramref name="errors"/>.</summary>
    /// <exception cref="ProblemException">It cannot be read at all, or is too large.</exception>
    public static async Task<JobForm<TBody>> ReadAsync<TBody>(
        HttpRequest request,
        long maxBytes,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
        where TBody : JobBody, new()
    {
        if (request.HasFormContentType && typeof(TBody) != typeof(Text2ImgBody))
        {
            return await ReadFormAsync<TBody>(request, maxBytes, errors, cancellationToken);
        }

        JsonBody json = await JsonBody.ReadAsync(request, maxBytes, cancellationToken);
        return new JobForm<TBody>(StrictReader.Read<TBody>(json.Root, errors), json.Fingerprint(request));
    }

    private static async Task<JobForm<TBody>> ReadFormAsync<TBody>(
        HttpRequest request,
        long maxBytes,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
        where TBody : JobBody, new()
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
        TBody body = StrictReader.Read<TBody>(Fields<TBody>(form, errors, hash), errors);
        foreach (IFormFile file in form.Files.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            await using Stream stream = file.OpenReadStream();
            byte[] bytes = await BodyBytes.ReadAsync(stream, file.Length, maxBytes, cancellationToken);
            Append(hash, file.Name);
            hash.AppendData(SHA256.HashData(bytes));
            Put(body, file.Name, bytes, errors);
        }

        return new JobForm<TBody>(body, hash.GetHashAndReset());
    }

    /// <summary>The form's values as the JSON object that they stand for.</summary>
    private static JsonElement Fields<TBody>(IFormCollection form, FieldErrors errors, IncrementalHash hash)
    {
        Dictionary<string, PropertyInfo> known = StrictReader.FieldsOf(typeof(TBody));
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
                errors.Add(Words.Shown(name), "is given twice");
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

    private static void Put(JobBody body, string name, byte[] bytes, FieldErrors errors)
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
                errors.Add(Words.Shown(name), $"has the index {index}, and {items.Length} come before it");
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
            errors.Add(Words.Shown(name), $"there is no picture of this name{Words.DidYouMean(name, pictures)}");
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
