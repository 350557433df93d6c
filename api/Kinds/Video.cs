using System.ComponentModel;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request for a clip from a prompt or from a picture.</summary>
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

/// <summary>Makes a clip, of words by a motion adapter or of a picture by a model of its own.</summary>
internal sealed class VideoKind : KindDefinition<VideoBody>
{
    private static readonly string[] Formats = ["mp4", "webm", "gif", "webp", "zip"];

    public override JobKind Kind => JobKind.Video;

    public override string Summary => "Words, or a picture, to a clip";

    public override string Example => """{"prompt": "a red apple", "num_frames": 8, "fps": 8, "output_format": "mp4"}""";

    /// <summary>None: whether words or a picture are needed depends on the model.</summary>
    public override IReadOnlyList<string> RequiredFields => [];

    /// <summary>The frames of a clip see each other.</summary>
    public override KindPrice? Price { get; } = new() { PerMegapixelStep = 0.2m };

    public override bool MakesClips => true;

    public override bool TakesHiresFix => false;

    protected override CheckedRequest? Check(VideoBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.Picture("image");
        if (checks.Model(body.Model, Kind) is not { } model)
        {
            return null;
        }

        string prompt = model.ClipsFromPicture ? checks.OptionalPrompt("prompt", body.Prompt) : checks.Prompt(body.Prompt);
        if (model.ClipsFromPicture)
        {
            checks.RequiredPicture("image", body.Image);
        }
        else if (body.Image is not null)
        {
            checks.Errors.Add(
                "image",
                $"{model.Name} makes clips from a prompt alone; leave the picture out, or name a model that begins with one"
            );
        }

        string negative = checks.OptionalPrompt("negative_prompt", body.NegativePrompt);
        int steps = checks.Steps(model, body.NumInferenceSteps);
        checks.SyntaxWithoutLoras(prompt, negative, model, steps);
        (int width, int height) = checks.Size(model, body.Width, body.Height, image);
        var request = new VideoRequest
        {
            Model = model.Name,
            Prompt = prompt,
            NegativePrompt = negative,
            Image = image,
            Width = width,
            Height = height,
            NumFrames = checks.Range("num_frames", body.NumFrames ?? model.DefaultFrames, 1, model.MaxFrames, $" with {model.Name}"),
            Fps = checks.Range("fps", body.Fps ?? model.DefaultFps, 1, 60),
            NumInferenceSteps = steps,
            GuidanceScale = checks.GuidanceScale(model, body.GuidanceScale),
            Scheduler = checks.Scheduler(model, body.Scheduler),
            Seed = checks.Seed(body.Seed),
            MotionBucketId = body.MotionBucketId is { } motion ? checks.Range("motion_bucket_id", motion, 1, 255) : null,
            NoiseAugStrength = body.NoiseAugStrength is { } noise ? checks.Range("noise_aug_strength", noise, 0, 1) : null,
            OutputFormat = checks.Choice("output_format", body.OutputFormat ?? Formats[0], Formats),
            OutputQuality = checks.Quality(body.OutputQuality),
            Safety = checks.Safety(model, body.Safety),
        };
        return checks.Planned(request, model);
    }
}
