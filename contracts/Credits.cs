using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// An amount of money in credits, exact to a millionth: stored as <paramref name="Micros"/>, a JSON number of credits
/// on the wire. It may be negative, as the line of a ledger is.
/// </summary>
[JsonConverter(typeof(CreditsConverter))]
public readonly record struct Credits(long Micros) : IComparable<Credits>
{
    public static readonly Credits Zero;

    public decimal Value => Micros / 1_000_000m;

    /// <summary>The amount nearest to <paramref name="credits"/>; halves are rounded away from zero.</summary>
    /// <exception cref="OverflowException">The amount is more than 9.2 million million credits.</exception>
    public static Credits Of(decimal credits) => new(checked((long)decimal.Round(credits * 1_000_000m, MidpointRounding.AwayFromZero)));

    public static Credits operator +(Credits a, Credits b) => new(checked(a.Micros + b.Micros));

    public static Credits operator -(Credits a, Credits b) => new(checked(a.Micros - b.Micros));

    public static bool operator <(Credits a, Credits b) => a.Micros < b.Micros;

    public static bool operator >(Credits a, Credits b) => a.Micros > b.Micros;

    public static bool operator <=(Credits a, Credits b) => a.Micros <= b.Micros;

    public static bool operator >=(Credits a, Credits b) => a.Micros >= b.Micros;

    public static Credits Add(Credits left, Credits right) => left + right;

    public static Credits Subtract(Credits left, Credits right) => left - right;

    public int CompareTo(Credits other) => Micros.CompareTo(other.Micros);

    public override string ToString() => Value.ToString();
}

internal sealed class CreditsConverter : JsonConverter<Credits>
{
    public override Credits Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Credits.Of(reader.GetDecimal());

    public override void Write(Utf8JsonWriter writer, Credits value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}
