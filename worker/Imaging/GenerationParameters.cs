using System.Globalization;
using System.Text;

namespace Generation.Imaging;

/// <summary>
/// How a picture was made, as the text that image tools read from a PNG's "parameters": the prompt, a line with the negative prompt, a line
/// of named settings. The format is that of AUTOMATIC1111's web interface.
/// </summary>
public sealed record GenerationParameters
{
    public required string Prompt { get; init; }

    public string NegativePrompt { get; init; } = "";

    public required int Steps { get; init; }

    /// <summary>The name of the scheduler as the tools know it ("DDIM", "Euler a").</summary>
    public required string Sampler { get; init; }

    public required double GuidanceScale { get; init; }

    /// <summary>The seed with which this picture is the same alone.</summary>
    public required long Seed { get; init; }

    /// <summary>The width in pixels.</summary>
    public required int Width { get; init; }

    public required int Height { get; init; }

    public required string Model { get; init; }

    /// <summary>Further settings, in the order in which they are written.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Others { get; init; } = [];

    public override string ToString()
    {
        var text = new StringBuilder(Prompt.Trim());
        if (!string.IsNullOrWhiteSpace(NegativePrompt))
        {
            text.Append("\nNegative prompt: ").Append(NegativePrompt.Trim());
        }

        text.Append(CultureInfo.InvariantCulture, $"\nSteps: {Steps}, Sampler: {Quote(Sampler)}, CFG scale: {GuidanceScale}");
        text.Append(CultureInfo.InvariantCulture, $", Seed: {Seed}, Size: {Width}x{Height}, Model: {Quote(Model)}");
        foreach ((string name, string value) in Others)
        {
            text.Append(", ").Append(name).Append(": ").Append(Quote(value));
        }

        return text.ToString();
    }

    // The tools' own rule: a value that could be taken for two is written as a JSON string
    private static string Quote(string value) =>
        value.AsSpan().ContainsAny(",:\"\n") ? System.Text.Json.JsonSerializer.Serialize(value) : value;
}
