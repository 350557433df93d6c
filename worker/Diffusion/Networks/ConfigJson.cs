using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Diffusion.Networks;

/// <summary>
/// Reads config.json files as diffusers and transformers write them: fields are in snake_case, a field that is absent has the reference
/// implementation's default, fields that no network reads are ignored, and a value that is not known is refused by name.
/// </summary>
public static class ConfigJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new NamedValueConverterFactory() },
        RespectNullableAnnotations = true,
    };

    /// <summary>Reads a config from the text of a config.json.</summary>
    /// <exception cref="ConfigException">The text is not JSON, or a field's value is not known or contradicts another.</exception>
    public static T Parse<T>(string json)
        where T : INetworkConfig
    {
        string name = typeof(T).Name;
        try
        {
            T config = JsonSerializer.Deserialize<T>(json, Options) ?? throw new ConfigException($"{name}: the config is null");
            config.Validate();
            return config;
        }
        catch (JsonException error)
        {
            string where = error.Path is null or "$" ? "" : $" at {error.Path[2..]}";
            throw new ConfigException($"{name}{where}: {FirstSentence(error.Message)}", error);
        }
        catch (ConfigException error) when (!error.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw new ConfigException($"{name}: {error.Message}", error);
        }
    }

    /// <summary>Reads a config from a config.json file.</summary>
    /// <exception cref="ConfigException">The same as for <see cref="Parse{T}(string)"/>; the message also names the file.</exception>
    public static T Load<T>(string path)
        where T : INetworkConfig
    {
        try
        {
            return Parse<T>(File.ReadAllText(path));
        }
        catch (ConfigException error)
        {
            throw new ConfigException($"{path}: {error.Message}", error);
        }
    }

    // The serializer appends path, line and byte position to its messages; the path is told once, in front
    private static string FirstSentence(string message)
    {
        int path = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return path < 0 ? message : message[..path];
    }

    /// <summary>Reads an enum by the exact names that the reference implementation uses; the error lists the known ones.</summary>
    private sealed class NamedValueConverterFactory : JsonConverterFactory
    {
        public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

        public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
            (JsonConverter)Activator.CreateInstance(typeof(NamedValueConverter<>).MakeGenericType(typeToConvert))!;
    }

    private sealed class NamedValueConverter<T> : JsonConverter<T>
        where T : struct, Enum
    {
        private static readonly Dictionary<string, T> Known = Enum.GetNames<T>()
            .ToDictionary(NameOf, Enum.Parse<T>, StringComparer.Ordinal);

        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            return text is not null && Known.TryGetValue(text, out T value)
                ? value
                : throw new JsonException(
                    $"{text ?? reader.TokenType.ToString()} is not known here; known: {string.Join(", ", Known.Keys)}."
                );
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Known.First(pair => EqualityComparer<T>.Default.Equals(pair.Value, value)).Key);

        private static string NameOf(string member) =>
            typeof(T).GetField(member)!.GetCustomAttributes(typeof(JsonStringEnumMemberNameAttribute), inherit: false)
                is [JsonStringEnumMemberNameAttribute named]
                ? named.Name
                : member;
    }
}

/// <summary>A network's configuration, as its config.json has it.</summary>
public interface INetworkConfig
{
    /// <summary>Refuses fields that contradict each other, and values that this library cannot build.</summary>
    /// <exception cref="ConfigException">A field is refused. The message names the field, the limit and the value.</exception>
    public void Validate();
}

/// <summary>The checks that configs share.</summary>
internal static class ConfigCheck
{
    public static void Positive(string field, params ReadOnlySpan<int> values)
    {
        foreach (int value in values)
        {
            Require(value > 0, field, value, "must be positive");
        }
    }

    public static void Divides(string field, int divisor, int value, string what) =>
        Require(divisor > 0 && value % divisor == 0, field, divisor, $"must divide {what} {value}");

    public static void Require(bool holds, string field, object? value, string rule)
    {
        if (!holds)
        {
            throw new ConfigException($"{field} {rule}, got {value ?? "null"}");
        }
    }
}

/// <summary>
/// A network's config.json contains a value that this library does not know, or fields that contradict each other. The message names the
/// field and the value.
/// </summary>
public sealed class ConfigException(string message, Exception? inner = null) : Exception(message, inner);
