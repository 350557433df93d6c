using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A request to enlarge a picture.</summary>
public sealed record SuperResolutionRequest : JobRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.SuperResolution;

    [JsonIgnore]
    public override IEnumerable<PromptText> Prompts => [new("prompt", Prompt)];

    public override T Accept<T>(IJobRequestVisitor<T> visitor) => visitor.Visit(this);

    public required StoredPicture Image { get; init; }

    /// <summary>The factor by which width and height grow: 2, 3 or 4.</summary>
    public required int Scale { get; init; }

    /// <summary>Width of the output in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the output in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>png, jpg or webp.</summary>
    public string OutputFormat { get; init; } = "png";

    /// <summary>1 to 100, for formats with loss.</summary>
    public int OutputQuality { get; init; } = 90;

    /// <summary>What the picture shows. This and the following properties are used by diffusion upscalers only.</summary>
    public string Prompt { get; init; } = "";

    public string NegativePrompt { get; init; } = "";

    public int NumInferenceSteps { get; init; } = 1;

    public double GuidanceScale { get; init; }

    public string Scheduler { get; init; } = "";

    /// <summary>How much noise is added to the small picture first, as a timestep: with more noise more detail is invented.</summary>
    public int NoiseLevel { get; init; }

    public long Seed { get; init; }
}
