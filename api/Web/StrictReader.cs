using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;

namespace Generation.Api.Web;

/// <summary>
/// Reads a JSON object into a record of nullable properties, strictly: a field that the record lacks, one given twice
/// and a value of another type are errors that name the field. Absent and null are the same. The record is also what
/// the API's description is made from, so that both know the same fields.
/// </summary>
internal static class StrictReader
{
    private static readonly ConcurrentDictionary<Type, Dictionary<string, PropertyInfo>> Fields = new();

    public static T Read<T>(JsonElement root, FieldErrors errors)
        where T : class, new()
    {
        var body = new T();
        ReadInto(body, root, errors);
        return body;
    }

    /// <summary>Reads an object into an empty record.</summary>
    public static void ReadInto(object body, JsonElement root, FieldErrors errors) => ReadInto(body, root, "", errors);

    /// <summary>Whether a record has a picture, or a list of records that have one.</summary>
    public static bool HasPictures(Type type) =>
        FieldsOf(type)
            .Values.Select(field => field.PropertyType)
            .Any(field => field == typeof(PictureSource) || (field.GetElementType() is { IsClass: true } item && HasPictures(item)));

    /// <summary>The field names of a record, as they are on the wire.</summary>
    public static Dictionary<string, PropertyInfo> FieldsOf(Type type) =>
        Fields.GetOrAdd(type, t =>
            t.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.CanWrite)
                .ToDictionary(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name))
        );

    private static void ReadInto(object body, JsonElement root, string prefix, FieldErrors errors)
    {
        Dictionary<string, PropertyInfo> fields = FieldsOf(body.GetType());
        var seen = new HashSet<string>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            string? name = NameOf(property);
            if (name is null)
            {
                errors.Add(prefix + "(name)", "a field's name is not valid Unicode");
                continue;
            }

            string path = prefix + name;
            if (!fields.TryGetValue(name, out PropertyInfo? field))
            {
                errors.Add(ErrorText.Shown(path), $"there is no such field{ErrorText.DidYouMean(name, fields.Keys)}");
            }
            else if (!seen.Add(name))
            {
                errors.Add(path, "is given twice");
            }
            else if (
                property.Value.ValueKind != JsonValueKind.Null
                && Convert(field.PropertyType, property.Value, path, errors) is { } value
            )
            {
                field.SetValue(body, value);
            }
        }
    }

    private static object? Convert(Type type, JsonElement value, string path, FieldErrors errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
        {
            return value.ValueKind == JsonValueKind.String ? Text(value, path, errors) : Wrong("a string");
        }

        if (type == typeof(PictureSource))
        {
            return value.ValueKind != JsonValueKind.String ? Wrong("a string")
                : Text(value, path, errors) is { } text ? PictureSource.Of(text)
                : null;
        }

        if (type == typeof(bool))
        {
            return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : Wrong("true or false");
        }

        if (type == typeof(int) || type == typeof(long))
        {
            if (value.ValueKind != JsonValueKind.Number)
            {
                return Wrong("a whole number");
            }

            // 25.0 is whole, too
            return
                value.TryGetDecimal(out decimal number) && decimal.IsInteger(number) && number >= long.MinValue && number <= long.MaxValue
                ? type == typeof(long)
                    ? (long)number
                    : number is >= int.MinValue and <= int.MaxValue
                        ? (int)number
                        : Range()
                : !double.IsFinite(value.GetDouble()) || double.IsInteger(value.GetDouble())
                    ? Range()
                    : Wrong("a whole number");
        }

        if (type == typeof(double))
        {
            return value.ValueKind != JsonValueKind.Number ? Wrong("a number")
                : double.IsFinite(value.GetDouble()) ? value.GetDouble()
                : Range();
        }

        if (type == typeof(JsonElement))
        {
            return value;
        }

        if (type.IsArray)
        {
            return value.ValueKind == JsonValueKind.Array ? List(type.GetElementType()!, value, path, errors) : Wrong("an array");
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return Wrong("an object");
        }

        object body = Activator.CreateInstance(type)!;
        ReadInto(body, value, path + ".", errors);
        return body;

        object? Wrong(string expected)
        {
            errors.Add(path, $"must be {expected}, and is {ErrorText.KindOf(value)}: {ErrorText.Shown(value.GetRawText())}");
            return null;
        }

        object? Range()
        {
            errors.Add(path, $"is too large a number: {ErrorText.Shown(value.GetRawText())}");
            return null;
        }
    }

    private static Array? List(Type element, JsonElement values, string path, FieldErrors errors)
    {
        var list = Array.CreateInstance(element, values.GetArrayLength());
        int index = 0;
        bool valid = true;
        foreach (JsonElement value in values.EnumerateArray())
        {
            object? item = Convert(element, value, $"{path}[{index}]", errors);
            valid &= item is not null;
            if (item is not null)
            {
                list.SetValue(item, index);
            }

            index++;
        }

        return valid ? list : null;
    }

    private static string? Text(JsonElement value, string path, FieldErrors errors)
    {
        string text;
        try
        {
            text = value.GetString()!;
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

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
