using System.ComponentModel;

namespace Generation.Api;

/// <summary>A small picture to a large one.</summary>
public sealed record SuperResolutionBody : JobBody
{
    [Description(
        "PNG, JPEG or WebP: an upload's id, a data URI, base64, or an http(s) address; or a file of this name in a multipart form."
    )]
    public PictureSource? Image { get; set; }

    [Description("How many times wider and higher: 2, 3 or 4; absent: as the model does.")]
    public int? Scale { get; set; }

    [Description("png, jpg or webp; else png.")]
    public string? OutputFormat { get; set; }

    [Description("1 to 100, for formats with loss.")]
    public int? OutputQuality { get; set; }

    [Description("What the picture shows; this and the fields below are read by diffusion upscalers only.")]
    public string? Prompt { get; set; }

    [Description("What it does not show.")]
    public string? NegativePrompt { get; set; }

    [Description("How many denoising steps.")]
    public int? NumInferenceSteps { get; set; }

    [Description("How strongly the picture follows the prompt, 0 to 50.")]
    public double? GuidanceScale { get; set; }

    [Description("A scheduler's name from /v1/schedulers.")]
    public string? Scheduler { get; set; }

    [Description("Noise over the small picture, 0 to 350: more lets more be invented; else 20.")]
    public int? NoiseLevel { get; set; }

    [Description("Same seed, same picture; absent: drawn, and told in the answer.")]
    public long? Seed { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [("image", Image)];
}
