using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Diffusion.Networks;

/// <summary>A setting that a config gives once for all blocks or once for each of them (`"layers_per_block": 2` or `[2, 3]`).</summary>
[JsonConverter(typeof(PerBlockConverterFactory))]
public readonly struct PerBlock<T>
{
    private readonly T _all;
    private readonly IReadOnlyList<T>? _each;

    public PerBlock(T all)
    {
        _all = all;
        _each = null;
    }

    public PerBlock(IReadOnlyList<T> each)
    {
        _all = default!;
        _each = each;
    }

    /// <summary>How many blocks the config gives values for; null when one value is for all.</summary>
    public int? Count => _each?.Count;

    /// <summary>The value of block <paramref name="block"/>, counted from 0.</summary>
    public T this[int block] => _each is null ? _all : _each[block];

    /// <summary>The value of the last of <paramref name="blocks"/> blocks.</summary>
    public T Last(int blocks) => this[blocks - 1];

    public static implicit operator PerBlock<T>(T all) => new(all);

    public static implicit operator PerBlock<T>(T[] each) => new(each);

    public override string ToString() => _each is null ? $"{_all}" : $"[{string.Join(", ", _each)}]";

    /// <summary>Refuses a list whose length is not the number of blocks.</summary>
    internal void CheckCount(string field, int blocks)
    {
        if (Count is int count && count != blocks)
        {
            throw new ConfigException($"{field} has {count} values ({this}), but there are {blocks} blocks");
        }
    }
}

/// <summary>Reads `x` or `[x, y, ...]` as a <see cref="PerBlock{T}"/>.</summary>
internal sealed class PerBlockConverterFactory : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(PerBlock<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(PerBlockConverter<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class PerBlockConverter<T> : JsonConverter<PerBlock<T>>
    {
        public override PerBlock<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.StartArray
                ? new PerBlock<T>(JsonSerializer.Deserialize<T[]>(ref reader, options)!)
                : new PerBlock<T>(JsonSerializer.Deserialize<T>(ref reader, options)!);

        public override void Write(Utf8JsonWriter writer, PerBlock<T> value, JsonSerializerOptions options)
        {
            if (value.Count is not int count)
            {
                JsonSerializer.Serialize(writer, value[0], options);
                return;
            }
            writer.WriteStartArray();
            for (int block = 0; block < count; block++)
            {
                JsonSerializer.Serialize(writer, value[block], options);
            }
            writer.WriteEndArray();
        }
    }
}
