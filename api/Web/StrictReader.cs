using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Generation.Api.Web;

/// <summary>
/// Reads a JSON object into a record of nullable properties, strictly: a field that the record lacks, one given twice
/// and a value of another type are errors that name the field. Absent and null are the same. The record is also what
/// the API's description is made from, so that both know the same fields.
/// </summary>
/// <remarks>
/// What is read is bounded before it is made: a list by the <see cref="MaxLengthAttribute"/> of its property, a text by
/// <see cref="MaxTextBytes"/>, a value of any shape by <see cref="MaxValueBytes"/>. The text of a picture stays where it lies. So the
/// record is small, however large the JSON is.
/// </remarks>
internal static class StrictReader
{
    /// <summary>Longest text of a field, as bytes between its quotes; many fields have a shorter limit of their own.</summary>
    public const int MaxTextBytes = 1 << 16;

    /// <summary>Most bytes of a value of any shape.</summary>
    public const int MaxValueBytes = 16 * 1024;

    /// <summary>Most items of a list whose property has no limit of its own.</summary>
    private const int MaxItems = 10_000;

    private const int MaxNameBytes = 256;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = 32 };

    private static readonly ConcurrentDictionary<Type, Dictionary<string, PropertyInfo>> Fields = new();

    private static readonly ConcurrentDictionary<Type, Field[]> Listed = new();

    private static readonly ConcurrentDictionary<PropertyInfo, int> Limits = new();

    public static T Read<T>(JsonBody json, FieldErrors errors)
        where T : class, new()
    {
        var body = new T();
        ReadInto(body, json.Bytes, errors);
        return body;
    }

    /// <summary>Reads an object into an empty record. The texts of its pictures are decoded in <paramref name="json"/> later.</summary>
    /// <exception cref="ProblemException">The text is not JSON, or no object.</exception>
    public static void ReadInto(object body, Memory<byte> json, FieldErrors errors)
    {
        try
        {
            var reader = new Utf8JsonReader(json.Span, Options);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ProblemException(
                    400,
                    "malformed_json",
                    $"The body must be a JSON object, and is {ErrorText.KindOf(reader.TokenType)}."
                );
            }

            ReadInto(body, json, ref reader, "", errors);
            // Nothing may follow
            reader.Read();
        }
        catch (JsonException e)
        {
            throw new ProblemException(
                400,
                "malformed_json",
                $"The body is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1} of it: {Reason(e)}"
            );
        }
    }

    /// <summary>Whether a record has a picture, or a list of records that have one.</summary>
    public static bool HasPictures(Type type) =>
        FieldsOf(type)
            .Values.Select(field => field.PropertyType)
            .Any(field => field == typeof(PictureSource) || (field.GetElementType() is { IsClass: true } item && HasPictures(item)));

    /// <summary>Whether a record has a picture of this name.</summary>
    public static bool IsPicture(Type type, string name) =>
        type.IsClass && type != typeof(string) && FieldsOf(type).GetValueOrDefault(name)?.PropertyType == typeof(PictureSource);

    /// <summary>The field names of a record, as they are on the wire.</summary>
    public static Dictionary<string, PropertyInfo> FieldsOf(Type type) =>
        Fields.GetOrAdd(type, t =>
            t.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.CanWrite)
                .ToDictionary(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name))
        );

    private static void ReadInto(object body, Memory<byte> json, ref Utf8JsonReader reader, string prefix, FieldErrors errors)
    {
        Field[] fields = Listed.GetOrAdd(body.GetType(), type =>
            [.. FieldsOf(type).Select(f => new Field(f.Key, Encoding.UTF8.GetBytes(f.Key), f.Value))]
        );
        var seen = new HashSet<Field>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (Find(fields, ref reader) is not { } field)
            {
                AddUnknown(ref reader, prefix, fields, errors);
                Skip(ref reader);
            }
            else if (!seen.Add(field))
            {
                errors.Add(errors.IsFull ? "" : prefix + field.Name, "is given twice");
                Skip(ref reader);
            }
            else
            {
                reader.Read();
                if (
                    reader.TokenType != JsonTokenType.Null
                    && Convert(field.Property.PropertyType, json, ref reader, prefix + field.Name, LimitOf(field.Property), errors)
                        is { } value
                )
                {
                    field.Property.SetValue(body, value);
                }
            }
        }
    }

    /// <summary>The field at whose name the reader is; null where there is none of the name. No text is made of it.</summary>
    private static Field? Find(Field[] fields, ref Utf8JsonReader reader)
    {
        try
        {
            foreach (Field field in fields)
            {
                if (reader.ValueTextEquals(field.Utf8))
                {
                    return field;
                }
            }
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is in no name
        }

        return null;
    }

    private static void AddUnknown(ref Utf8JsonReader reader, string prefix, Field[] fields, FieldErrors errors)
    {
        if (errors.IsFull)
        {
            errors.Add("", "");
            return;
        }

        try
        {
            // A name longer than any is cut
            string name = reader.ValueSpan.Length <= MaxNameBytes ? reader.GetString()! : ErrorText.Shown(reader.ValueSpan);
            errors.Add(ErrorText.Shown(prefix + name), $"there is no such field{ErrorText.DidYouMean(name, fields.Select(f => f.Name))}");
        }
        catch (InvalidOperationException)
        {
            errors.Add(prefix + "(name)", "a field's name is not valid Unicode");
        }
    }

    /// <summary>The value that begins at the reader's token, which is left at the value's last; null where it is an error.</summary>
    private static object? Convert(Type type, Memory<byte> json, ref Utf8JsonReader reader, string path, int maxItems, FieldErrors errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
        {
            return reader.TokenType == JsonTokenType.String
                ? Text(ref reader, path, errors)
                : Wrong("a string", json, ref reader, path, errors);
        }

        if (type == typeof(PictureSource))
        {
            return reader.TokenType != JsonTokenType.String ? Wrong("a string", json, ref reader, path, errors)
                : reader.ValueSpan.Length > PictureSource.MaxTextBytes
                    ? PictureSource.OfEncoded(json.Slice((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length), reader.ValueIsEscaped)
                : Text(ref reader, path, errors) is { } text ? PictureSource.Of(text)
                : null;
        }

        if (type == typeof(bool))
        {
            return reader.TokenType is JsonTokenType.True or JsonTokenType.False
                ? reader.GetBoolean()
                : Wrong("true or false", json, ref reader, path, errors);
        }

        if (type == typeof(int) || type == typeof(long) || type == typeof(double))
        {
            return reader.TokenType == JsonTokenType.Number
                ? Number(type, json, ref reader, path, errors)
                : Wrong(type == typeof(double) ? "a number" : "a whole number", json, ref reader, path, errors);
        }

        if (type == typeof(JsonElement))
        {
            return Any(json, ref reader, path, errors);
        }

        if (type.IsArray)
        {
            return reader.TokenType == JsonTokenType.StartArray
                ? List(type.GetElementType()!, json, ref reader, path, maxItems, errors)
                : Wrong("an array", json, ref reader, path, errors);
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return Wrong("an object", json, ref reader, path, errors);
        }

        object body = Activator.CreateInstance(type)!;
        ReadInto(body, json, ref reader, path + ".", errors);
        return body;
    }

    private static object? Number(Type type, Memory<byte> json, ref Utf8JsonReader reader, string path, FieldErrors errors)
    {
        bool isFinite = reader.TryGetDouble(out double value) && double.IsFinite(value);
        if (type == typeof(double))
        {
            return isFinite ? value : Range(ref reader);
        }

        // 25.0 is whole, too
        if (reader.TryGetDecimal(out decimal number) && decimal.IsInteger(number) && number >= long.MinValue && number <= long.MaxValue)
        {
            return type == typeof(long) ? (long)number
                : number is >= int.MinValue and <= int.MaxValue ? (int)number
                : Range(ref reader);
        }

        return !isFinite || double.IsInteger(value) ? Range(ref reader) : Wrong("a whole number", json, ref reader, path, errors);

        object? Range(ref Utf8JsonReader at)
        {
            errors.Add(path, $"is too large a number: {ErrorText.Shown(at.ValueSpan)}");
            return null;
        }
    }

    private static Array? List(Type element, Memory<byte> json, ref Utf8JsonReader reader, string path, int maxItems, FieldErrors errors)
    {
        var items = new List<object?>();
        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count < maxItems)
            {
                items.Add(Convert(element, json, ref reader, errors.IsFull ? path : $"{path}[{count}]", MaxItems, errors));
            }
            else
            {
                reader.Skip();
            }

            count++;
        }

        if (count > maxItems)
        {
            errors.Add(path, $"may be {maxItems} at most, and are {count}");
        }

        if (count > maxItems || items.Contains(null))
        {
            return null;
        }

        var list = Array.CreateInstance(element, count);
        for (int i = 0; i < count; i++)
        {
            list.SetValue(items[i], i);
        }

        return list;
    }

    /// <summary>A value of any shape, apart from the rest.</summary>
    private static JsonElement? Any(Memory<byte> json, ref Utf8JsonReader reader, string path, FieldErrors errors)
    {
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        int length = (int)reader.BytesConsumed - start;
        if (length > MaxValueBytes)
        {
            errors.Add(path, $"may have {MaxValueBytes} bytes at most, and has {length}");
            return null;
        }

        return JsonElement.Parse(json.Span.Slice(start, length));
    }

    private static string? Text(ref Utf8JsonReader reader, string path, FieldErrors errors)
    {
        if (reader.ValueSpan.Length > MaxTextBytes)
        {
            errors.Add(path, $"may have {MaxTextBytes} bytes at most, and has {reader.ValueSpan.Length}");
            return null;
        }

        string text;
        try
        {
            text = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            errors.Add(path, "is not valid Unicode: half of a surrogate pair is missing");
            return null;
        }

        // PostgreSQL and C programs end a text there
        if (text.Contains('\0'))
        {
            errors.Add(path, "contains the character U+0000");
            return null;
        }

        return text;
    }

    private static object? Wrong(string expected, Memory<byte> json, ref Utf8JsonReader reader, string path, FieldErrors errors)
    {
        JsonTokenType token = reader.TokenType;
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        int length = (int)reader.BytesConsumed - start;
        errors.Add(path, $"must be {expected}, and is {ErrorText.KindOf(token)}: {Shown(json, start, length)}");
        return null;
    }

    private static string Shown(Memory<byte> json, int start, int length) => ErrorText.Shown(json.Span.Slice(start, length));

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static int LimitOf(PropertyInfo field) =>
        Limits.GetOrAdd(field, f => f.GetCustomAttribute<MaxLengthAttribute>()?.Length ?? MaxItems);

    private static string Reason(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }

    /// <summary>A field of a record, by its name on the wire.</summary>
    private sealed record Field(string Name, byte[] Utf8, PropertyInfo Property);
}
