using System.ComponentModel;

namespace Generation.Api;

/// <summary>Words, or a picture, to a clip.</summary>
public sealed record VideoBody : JobBody
{
    [Description("What the clip shows. At most 4000 characters.")]
    public string? Prompt { get; set; }

    [Description("What it does not show.")]
    public string? NegativePrompt { get; set; }

    [Description(
        "The picture with which the clip begins, for models that go by one: an upload's id, a data URI, base64, or an http(s) address; "
            + "or a file of this name in a multipart form."
    )]
    public PictureSource? Image { get; set; }

    [Description("Width in pixels; each model has its own limits and default.")]
    public int? Width { get; set; }

    [Description("Height in pixels.")]
    public int? Height { get; set; }

    [Description("How many frames; each model has its own limit and default.")]
    public int? NumFrames { get; set; }

    [Description("Frames a second, 1 to 60.")]
    public double? Fps { get; set; }

    [Description("How many denoising steps.")]
    public int? NumInferenceSteps { get; set; }

    [Description("How strongly the clip follows the prompt; 1 or less turns guidance off. 0 to 50.")]
    public double? GuidanceScale { get; set; }

    [Description("A scheduler's name from /v1/schedulers.")]
    public string? Scheduler { get; set; }

    [Description("Same seed, same clip. 0 to 9007199254740991; absent: drawn, and told in the answer.")]
    public long? Seed { get; set; }

    [Description("How much moves, 1 to 255; of Stable Video Diffusion.")]
    public int? MotionBucketId { get; set; }

    [Description("Noise over the picture, 0 to 1; of Stable Video Diffusion.")]
    public double? NoiseAugStrength { get; set; }

    [Description("mp4 (else), webm, gif, webp, or zip: the frames as PNG files.")]
    public string? OutputFormat { get; set; }

    [Description("1 to 100, for formats with loss.")]
    public int? OutputQuality { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [("image", Image)];
}
