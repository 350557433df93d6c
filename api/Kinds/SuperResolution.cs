using System.ComponentModel;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request to enlarge a picture.</summary>
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

/// <summary>Enlarges a picture, by a network without steps or by a diffusion upscaler.</summary>
internal sealed class SuperResolutionKind : KindDefinition<SuperResolutionBody>
{
    private const int DefaultNoiseLevel = 20;
    private const int MaxNoiseLevel = 350;

    public override JobKind Kind => JobKind.SuperResolution;

    public override string Summary => "A small picture to a large one";

    public override string Example => $$"""{"image": "{{ExampleUpload}}", "scale": 4}""";

    public override IReadOnlyList<string> RequiredFields => ["image"];

    /// <summary>Most upscalers have no steps: what they hand out is what they work on.</summary>
    public override KindPrice? Price { get; } = new() { PerOutputMegapixel = 0.2m };

    public override bool MakesClips => false;

    public override bool TakesHiresFix => false;

    protected override CheckedRequest? Check(SuperResolutionBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.RequiredPicture("image", body.Image);
        string prompt = checks.OptionalPrompt("prompt", body.Prompt);
        string negative = checks.OptionalPrompt("negative_prompt", body.NegativePrompt);
        if (checks.Model(body.Model, Kind) is not { } model)
        {
            return null;
        }

        int scale = Scale(body, image, model, checks);
        var request = new SuperResolutionRequest
        {
            Model = model.Name,
            Image = image!,
            Scale = scale,
            Width = (image?.Width ?? 1) * scale,
            Height = (image?.Height ?? 1) * scale,
            OutputFormat = checks.PictureFormat(body.OutputFormat),
            OutputQuality = checks.Quality(body.OutputQuality),
            Safety = checks.Safety(model, body.Safety),
        };
        if (!model.IsPlainUpscaler)
        {
            int steps = checks.Steps(model, body.NumInferenceSteps);
            checks.SyntaxWithoutLoras(prompt, negative, model, steps);
            request = request with
            {
                Prompt = prompt,
                NegativePrompt = negative,
                NumInferenceSteps = steps,
                GuidanceScale = checks.GuidanceScale(model, body.GuidanceScale),
                Scheduler = checks.Scheduler(model, body.Scheduler),
                NoiseLevel = checks.Range("noise_level", body.NoiseLevel ?? DefaultNoiseLevel, 0, MaxNoiseLevel),
                Seed = checks.Seed(body.Seed),
            };
        }

        return image is null ? null : checks.Planned(request, model);
    }

    private static int Scale(SuperResolutionBody body, StoredPicture? image, ModelEntry model, RequestChecks checks)
    {
        int most = model.Scale ?? 4;
        // A diffusion upscaler knows its own scale only
        int least = model.IsPlainUpscaler ? 2 : most;
        int scale = checks.Range("scale", body.Scale ?? most, least, most, $" with {model.Name}");
        if (image is null || checks.Errors.Has("scale"))
        {
            return scale;
        }

        int width = image.Width * scale;
        int height = image.Height * scale;
        if (Math.Min(width, height) < model.MinSide || Math.Max(width, height) > model.MaxSide || (long)width * height > model.MaxPixels)
        {
            checks.Errors.Add(
                "image",
                $"is {image.Width} x {image.Height}, which {scale} times enlarged is {width} x {height}; "
                    + $"{model.Name} makes sides of {model.MinSide} to {model.MaxSide} and {model.MaxPixels} pixels at most"
            );
        }

        return scale;
    }
}
