using System.ComponentModel;
using System.Text.Json;

namespace Generation.Api;

/// <summary>Fields of every job request, as they are on the wire.</summary>
public abstract record JobBody
{
    [Description("Order among your own waiting jobs: higher goes first. -100 to 100, else 0.")]
    public int? Priority { get; set; }

    [Description("If no worker begins within so many seconds, the job expires and costs nothing. 1 to 604800, else a day.")]
    public int? ExpiresIn { get; set; }

    [Description("Any JSON object of at most 16 KiB; given back with the job.")]
    public JsonElement? Metadata { get; set; }

    [Description("An http(s) address that is told of the job, by Standard Webhooks.")]
    public string? WebhookUrl { get; set; }

    [Description("Of what it is told: queued, started, finished. Absent: finished.")]
    public string[]? WebhookEvents { get; set; }
}

/// <summary>Fields of every request for pictures from words.</summary>
public abstract record PictureBody : JobBody
{
    [Description("What the picture shows. At most 4000 characters.")]
    public string? Prompt { get; set; }

    [Description("What it does not show.")]
    public string? NegativePrompt { get; set; }

    [Description("A model's name from /v1/models; absent: the only one, or the one named 'demo'.")]
    public string? Model { get; set; }

    [Description("Width in pixels; each model has its own limits and default.")]
    public int? Width { get; set; }

    [Description("Height in pixels.")]
    public int? Height { get; set; }

    [Description("How many denoising steps.")]
    public int? NumInferenceSteps { get; set; }

    [Description("How strongly the picture follows the prompt; 1 or less turns guidance off. 0 to 50.")]
    public double? GuidanceScale { get; set; }

    [Description("Evens out over-exposure from strong guidance, 0 to 1.")]
    public double? GuidanceRescale { get; set; }

    [Description("A scheduler's name from /v1/schedulers.")]
    public string? Scheduler { get; set; }

    [Description("Same seed, same picture; picture k is made from seed + k. 0 to 9007199254740991; absent: drawn, and told in the answer.")]
    public long? Seed { get; set; }

    [Description("How many pictures.")]
    public int? NumImages { get; set; }

    [Description("png, jpg or webp; else png.")]
    public string? OutputFormat { get; set; }

    [Description("1 to 100, for formats with loss.")]
    public int? OutputQuality { get; set; }
}

/// <summary>Words to pictures.</summary>
public sealed record Text2ImgBody : PictureBody;
