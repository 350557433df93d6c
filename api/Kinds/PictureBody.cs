using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Generation.Api.Web;

namespace Generation.Api.Kinds;

/// <summary>The fields of every request for pictures by a prompt.</summary>
public abstract record PictureBody : JobBody
{
    [Description(
        "What the picture shows. At most 4000 characters. Read as AUTOMATIC1111's web UI does, but by FLUX: (words:1.3), [words], BREAK, "
            + "[from:to:0.5], [one|other], <lora:NAME:0.8>; docs/kinds.md tells each."
    )]
    public string? Prompt { get; set; }

    [Description("What it does not show.")]
    public string? NegativePrompt { get; set; }

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

    [Description("Adapters to lay over the model, from its loras in /v1/models. At most 8.")]
    [MaxLength(RequestChecks.MaxLoras)]
    public LoraBody[]? Loras { get; set; }

    [Description("Layers of the text encoder to leave out at its end, 0 to 4.")]
    public int? ClipSkip { get; set; }

    [Description("Another autoencoder of the model, from its vaes in /v1/models.")]
    public string? Vae { get; set; }

    [Description("A second model that does the last steps.")]
    public RefinerBody? Refiner { get; set; }

    [Description("Draw small, enlarge, and draw over it.")]
    public HiresFixBody? HiresFix { get; set; }
}

/// <summary>Fields of every request that begins with a picture.</summary>
public abstract record ImageBody : PictureBody
{
    [Description(
        "PNG, JPEG or WebP: an upload's id, a data URI, base64, or an http(s) address; or a file of this name in a multipart form."
    )]
    public PictureSource? Image { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [("image", Image)];
}

/// <summary>A LoRA in a request.</summary>
public sealed record LoraBody
{
    [Description("Its name, from the model's loras in /v1/models.")]
    public string? Model { get; set; }

    [Description("How strongly it acts, -4 to 4; else 1.")]
    public double? Scale { get; set; }

    [Description("How strongly it acts on the text encoders, -4 to 4; else as scale.")]
    public double? TextEncoderScale { get; set; }
}

/// <summary>A refiner in a request.</summary>
public sealed record RefinerBody
{
    [Description("Its name from /v1/models; absent: the model's own.")]
    public string? Model { get; set; }

    [Description("Share of the steps that the first model does, 0 to 1; else 0.8.")]
    public double? SwitchAt { get; set; }
}

/// <summary>Two passes, in a request.</summary>
public sealed record HiresFixBody
{
    [Description("How many times smaller the first picture is, 1 to 4; else 2.")]
    public double? Scale { get; set; }

    [Description("How much the second pass changes, above 0 to 1; else 0.5.")]
    public double? Strength { get; set; }

    [Description("Steps of the second pass; absent: num_inference_steps.")]
    public int? Steps { get; set; }

    [Description("What enlarges between the passes: the name of the model's upscaler, or lanczos.")]
    public string? Upscaler { get; set; }
}
