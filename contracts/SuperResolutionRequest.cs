using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A small picture to a large one.</summary>
public sealed record SuperResolutionRequest : JobRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.SuperResolution;

    [JsonIgnore]
    public override IEnumerable<PromptText> Prompts => [new("prompt", Prompt)];

    public required StoredPicture Image { get; init; }

    /// <summary>How many times wider and higher: 2, 3 or 4.</summary>
    public required int Scale { get; init; }

    /// <summary>Width of the output in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the output in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>png, jpg or webp.</summary>
    public string OutputFormat { get; init; } = "png";

    /// <summary>1 to 100, for formats with loss.</summary>
    public int OutputQuality { get; init; } = 90;

    /// <summary>What the picture shows; this and what follows is read by diffusion upscalers only.</summary>
    public string Prompt { get; init; } = "";

    public string NegativePrompt { get; init; } = "";

    public int NumInferenceSteps { get; init; } = 1;

    public double GuidanceScale { get; init; }

    public string Scheduler { get; init; } = "";

    /// <summary>Steps of noise that are laid over the small picture, so that more is invented.</summary>
    public int NoiseLevel { get; init; }

    public long Seed { get; init; }
}
