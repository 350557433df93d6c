using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// The work of one job, checked and with every default filled in: what the API stores with the job and a worker runs.
/// Two equal requests on one model version give equal bytes.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Text2ImgRequest), "text2img")]
public abstract record JobRequest
{
    /// <summary>Name of the model in the catalogue.</summary>
    public required string Model { get; init; }

    [JsonIgnore]
    public abstract JobKind Kind { get; }
}

/// <summary>What every request for pictures from words has.</summary>
public abstract record PictureRequest : JobRequest
{
    public required string Prompt { get; init; }

    public string NegativePrompt { get; init; } = "";

    /// <summary>Width of each output in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of each output in pixels.</summary>
    public required int Height { get; init; }

    public required int NumInferenceSteps { get; init; }

    /// <summary>Classifier-free guidance; 1 or less turns it off. Ho and Salimans, 2022.</summary>
    public required double GuidanceScale { get; init; }

    /// <summary>Rescaled guidance, 0 to 1. Lin et al., 2024, section 3.4.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Name of the scheduler, as /v1/schedulers lists it.</summary>
    public required string Scheduler { get; init; }

    /// <summary>Seed of the first picture; picture k is made from Seed + k.</summary>
    public required long Seed { get; init; }

    public required int NumImages { get; init; }

    /// <summary>png, jpg or webp.</summary>
    public string OutputFormat { get; init; } = "png";

    /// <summary>1 to 100, for formats with loss.</summary>
    public int OutputQuality { get; init; } = 90;
}

/// <summary>Words to pictures.</summary>
public sealed record Text2ImgRequest : PictureRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.Text2Img;
}
