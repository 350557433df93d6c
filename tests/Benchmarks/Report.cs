using System.Text.Json;

namespace Generation.Benchmarks;

/// <summary>Prints results as they come: lines for people, or JSON lines for programs.</summary>
internal sealed class Report(TextWriter output, bool json)
{
    /// <summary>One measure.</summary>
    /// <param name="against">What it is held against, in the same unit.</param>
    /// <param name="ratio">Value over against, or the other way round where that is said to be; null where there is nothing to
    /// compare.</param>
    /// <param name="note">What was measured, or why not.</param>
    public void Add(string name, double value, string unit, double? against = null, double? ratio = null, string? note = null)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new Line(name, Cut(value), unit, Cut(against), Cut(ratio), note), Options));
        }
        else
        {
            string beside = against is { } other ? $"  against {Show(other)} {unit}" : "";
            string times = ratio is { } factor ? $"  ratio {factor:0.###}" : "";
            output.WriteLine($"{name, -44} {Show(value), 10} {unit, -9}{beside}{times}{(note is null ? "" : "  " + note)}");
        }

        output.Flush();
    }

    /// <summary>Something that cannot be measured here, and why.</summary>
    public void Skip(string name, string why)
    {
        output.WriteLine(
            json ? JsonSerializer.Serialize(new Line(name, null, "", null, null, why), Options) : $"{name, -44} {"-", 10}  {why}"
        );
        output.Flush();
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static double? Cut(double? value) =>
        value is { } number && double.IsFinite(number) ? double.Parse(number.ToString("G6")) : null;

    private static string Show(double value) => Math.Abs(value) >= 100 ? value.ToString("F0") : value.ToString("G4");

    private sealed record Line(string Name, double? Value, string Unit, double? Against, double? Ratio, string? Note);
}
