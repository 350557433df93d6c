using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>What every request for pictures by a prompt has.</summary>
public abstract record PictureRequest : JobRequest
{
    [JsonIgnore]
    public override IEnumerable<PromptText> Prompts => [new("prompt", Prompt)];

    public sealed override T Accept<T>(IJobRequestVisitor<T> visitor) => visitor.Visit(this);

    public required string Prompt { get; init; }

    public string NegativePrompt { get; init; } = "";

    /// <summary>Width of each output in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of each output in pixels.</summary>
    public required int Height { get; init; }

    public required int NumInferenceSteps { get; init; }

    /// <summary>The scale of classifier-free guidance; 1 or less turns it off. Ho and Salimans, 2022.</summary>
    public required double GuidanceScale { get; init; }

    /// <summary>Rescaled guidance, 0 to 1. Lin et al., 2024, section 3.4.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Name of the scheduler, as /v1/schedulers lists it.</summary>
    public required string Scheduler { get; init; }

    /// <summary>The seed of the first picture; picture k is made from Seed + k.</summary>
    public required long Seed { get; init; }

    public required int NumImages { get; init; }

    /// <summary>png, jpg or webp.</summary>
    public string OutputFormat { get; init; } = "png";

    /// <summary>1 to 100, for formats with loss.</summary>
    public int OutputQuality { get; init; } = 90;

    /// <summary>Adapters that are applied to the model for this job; null for none.</summary>
    public IReadOnlyList<LoraUse>? Loras { get; init; }

    /// <summary>How many of the text encoder's last layers are left out; null for the model's own number.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>The name of another autoencoder in the model's entry; null for the model's own.</summary>
    public string? Vae { get; init; }

    public RefinerUse? Refiner { get; init; }

    public HiresFix? HiresFix { get; init; }

    /// <summary>The part of the noise schedule that the first pass over an output runs.</summary>
    /// <param name="model">The entry of the request's model.</param>
    public abstract ScheduleShare FirstPass(ModelEntry model);
}

/// <summary>A request for pictures from a prompt.</summary>
public sealed record Text2ImgRequest : PictureRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.Text2Img;

    public override ScheduleShare FirstPass(ModelEntry model) => ScheduleShare.Whole(NumInferenceSteps);
}

/// <summary>The part of a noise schedule that a pass runs.</summary>
/// <param name="Strength">The share of the noise that the pass begins with: 1 is noise alone.</param>
/// <param name="ScheduledSteps">Steps of the whole schedule.</param>
public sealed record ScheduleShare(double Strength, int ScheduledSteps)
{
    /// <summary>All steps of the schedule, from noise alone.</summary>
    public static ScheduleShare Whole(int steps) => new(1, steps);
}

/// <summary>A LoRA and how strongly it acts; the scales may be negative.</summary>
/// <param name="Model">The LoRA's name.</param>
/// <param name="Scale">Strength on the UNet or transformer.</param>
/// <param name="TextEncoderScale">The strength on the text encoders; null means <paramref name="Scale"/>.</param>
public sealed record LoraUse(string Model, double Scale, double? TextEncoderScale = null);

/// <summary>A second model that continues where the first has done a share of the steps.</summary>
/// <param name="Model">The name of the refining model in the catalogue.</param>
/// <param name="SwitchAt">Share of the steps that the first model does, 0 to 1.</param>
public sealed record RefinerUse(string Model, double SwitchAt);

/// <summary>Draws a small picture, enlarges it, and draws over the enlarged picture.</summary>
/// <param name="Scale">How many times smaller the first picture is.</param>
/// <param name="Strength">Share of the noise schedule that the second pass runs, 0 to 1.</param>
/// <param name="Steps">Steps of the second pass, before its strength.</param>
/// <param name="Upscaler">
/// The name of the upscaler between the passes, or <see cref="Lanczos"/>; null for the model's own where it has one, else Lanczos.
/// </param>
public sealed record HiresFix(double Scale, double Strength, int Steps, string? Upscaler = null)
{
    /// <summary>The name of the Lanczos filter, in place of an upscaler.</summary>
    public const string Lanczos = "lanczos";
}
