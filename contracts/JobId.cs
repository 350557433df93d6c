using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// The id of a job: a UUID of version 7, so that ids sort by the time of submission. The default value is no job's id.
/// On the wire it is 32 lowercase hexadecimal digits with hyphens.
/// </summary>
[JsonConverter(typeof(JobIdConverter))]
public readonly record struct JobId(Guid Value) : IParsable<JobId>
{
    public static JobId New(TimeProvider time) => new(Guid.CreateVersion7(time.GetUtcNow()));

    public static JobId Parse(string s) => Parse(s, null);

    public static JobId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out JobId id) ? id : throw new FormatException($"'{s}' is not a job id.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out JobId result)
    {
        bool valid = Guid.TryParseExact(s, "D", out Guid value);
        result = new JobId(value);
        return valid;
    }

    public override string ToString() => Value.ToString("D");
}

internal sealed class JobIdConverter : JsonConverter<JobId>
{
    public override JobId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JobId.TryParse(reader.GetString(), null, out JobId id) ? id : throw new JsonException("Not a job id.");

    public override void Write(Utf8JsonWriter writer, JobId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
