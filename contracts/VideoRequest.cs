using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A request for a clip from a prompt or from a picture.</summary>
public sealed record VideoRequest : JobRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.Video;

    [JsonIgnore]
    public override IEnumerable<PromptText> Prompts => [new("prompt", Prompt)];

    public override T Accept<T>(IJobRequestVisitor<T> visitor) => visitor.Visit(this);

    /// <summary>The prompt; empty where the model only takes the picture.</summary>
    public string Prompt { get; init; } = "";

    public string NegativePrompt { get; init; } = "";

    /// <summary>The picture with which the clip begins; null where it is made from the prompt alone.</summary>
    public StoredPicture? Image { get; init; }

    /// <summary>Width of the clip in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the clip in pixels.</summary>
    public required int Height { get; init; }

    public required int NumFrames { get; init; }

    /// <summary>The frame rate of the file, in frames per second.</summary>
    public required double Fps { get; init; }

    public required int NumInferenceSteps { get; init; }

    public required double GuidanceScale { get; init; }

    public required string Scheduler { get; init; }

    public required long Seed { get; init; }

    /// <summary>How much motion there is, for Stable Video Diffusion; null for its default.</summary>
    public int? MotionBucketId { get; init; }

    /// <summary>The noise that is added to the first picture, for Stable Video Diffusion; null for its default.</summary>
    public double? NoiseAugStrength { get; init; }

    /// <summary>mp4, webm, gif, webp, or zip: its frames as PNG files.</summary>
    public string OutputFormat { get; init; } = "mp4";

    /// <summary>1 to 100, for formats with loss.</summary>
    public int OutputQuality { get; init; } = 90;
}
