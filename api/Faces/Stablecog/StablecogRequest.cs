using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Stablecog;

/// <summary>A request for pictures, read, filled in and checked in the service's order.</summary>
internal sealed record StablecogRequest
{
    public required string Prompt { get; init; }

    public string NegativePrompt { get; init; } = "";

    public required Guid ModelId { get; init; }

    public required ModelEntry Model { get; init; }

    public required Guid SchedulerId { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    public required int Steps { get; init; }

    public required double GuidanceScale { get; init; }

    public required int Outputs { get; init; }

    public required long Seed { get; init; }

    public string? InitImageUrl { get; init; }

    public string? MaskImageUrl { get; init; }

    public double? PromptStrength { get; init; }

    public bool SubmitToGallery { get; init; }

    /// <summary>jpg, png or webp.</summary>
    public required string Format { get; init; }

    /// <summary>The settings that answers repeat.</summary>
    public JsonObject Settings()
    {
        var settings = new JsonObject
        {
            ["model_id"] = ModelId,
            ["scheduler_id"] = SchedulerId,
            ["width"] = Width,
            ["height"] = Height,
            ["num_outputs"] = Outputs,
            ["guidance_scale"] = GuidanceScale,
            ["inference_steps"] = Steps,
            ["seed"] = Seed,
        };
        Add("init_image_url", InitImageUrl);
        Add("mask_image_url", MaskImageUrl);
        if (PromptStrength is { } strength)
        {
            settings["prompt_strength"] = strength;
        }

        return settings;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                settings[name] = value;
            }
        }
    }

    /// <summary>Reads a body.</summary>
    /// <exception cref="ProblemException">The first thing that is wrong, in the service's words.</exception>
    public static StablecogRequest Read(FaceBody body, StablecogTable table, StablecogNames names)
    {
        ModelEntry? fallback = names.Default(JobKind.Text2Img);
        Guid modelId = Id(body, "model_id") ?? (fallback is null ? Guid.Empty : names.IdOf(fallback.Name, JobKind.Text2Img));
        ModelEntry? model = names.Model(modelId, JobKind.Text2Img);
        Guid schedulerId = names.SchedulerOrDefault(Id(body, "scheduler_id"));
        int width = body.Int("width") ?? (model ?? fallback)?.DefaultWidth ?? 512;
        int height = body.Int("height") ?? (model ?? fallback)?.DefaultHeight ?? 512;
        int steps = body.Int("inference_steps") ?? table.DefaultSteps;
        double guidance = body.Number("guidance_scale") ?? table.DefaultGuidance;
        // None at all is taken as not said
        int outputs = body.Int("num_outputs") is > 0 and var given ? given : table.DefaultOutputs;
        string? init = body.Text("init_image_url");
        string? mask = body.Text("mask_image_url");
        // "prompt_strengtht" is how the published description spells it
        double? strength = body.Number("prompt_strength", "prompt_strengtht") ?? (init is null ? null : table.DefaultStrength);
        long? seed = body.Integer("seed");
        string? prompt = body.Text("prompt");
        string? negative = body.Text("negative_prompt");
        bool gallery = body.Flag("submit_to_gallery") == true;
        string? format = body.Text("output_image_extension");
        if (body.WrongTypes.Count > 0)
        {
            throw StablecogErrors.ParseError();
        }

        StablecogLimits limits = table.Limit;
        CheckSides(width, height, limits.MinSide, limits.MaxSide);
        Check(guidance < limits.MinGuidance, $"Guidance scale is too small, min is: {Six(limits.MinGuidance)}");
        Check(guidance > limits.MaxGuidance, $"Guidance scale is too large, max is: {Six(limits.MaxGuidance)}");
        Check(steps < limits.MinSteps, $"Inference steps is too small, min is: {limits.MinSteps}");
        Check(limits.MaxSteps > 0 && steps > limits.MaxSteps, $"Inference steps is too large, max is: {limits.MaxSteps}");
        Check(
            (long)width * height * steps > limits.MaxPixelSteps,
            $"Pick fewer inference steps or smaller dimensions: {width} - {height} - {steps}"
        );
        Check(outputs > limits.MaxOutputs, $"Number of outputs can't be more than {limits.MaxOutputs}");
        Check(limits.MultipleOf > 1 && width % limits.MultipleOf != 0, $"Width must be a multiple of {limits.MultipleOf}");
        Check(limits.MultipleOf > 1 && height % limits.MultipleOf != 0, $"Height must be a multiple of {limits.MultipleOf}");
        Check(model is null, "invalid_model_id");
        Check(init is not null && !IsAddress(init), "invalid_init_image_url");
        Check(mask is not null && !IsAddress(mask), "invalid_mask_image_url");
        CheckSides(width, height, model!.MinSide, model.MaxSide);
        Check(string.IsNullOrWhiteSpace(prompt), "prompt is required");
        return new StablecogRequest
        {
            Prompt = prompt!,
            NegativePrompt = negative ?? "",
            ModelId = modelId,
            Model = model,
            SchedulerId = schedulerId,
            Width = width,
            Height = height,
            Steps = steps,
            GuidanceScale = guidance,
            Outputs = outputs,
            Seed = seed is >= 0 and var chosen ? chosen : System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue),
            InitImageUrl = init,
            MaskImageUrl = mask,
            PromptStrength = strength is { } some ? Math.Clamp(some, 0, 1) : null,
            SubmitToGallery = gallery,
            Format = format?.ToLowerInvariant() is "png" or "webp" ? format.ToLowerInvariant() : "jpg",
        };
    }

    /// <summary>A UUID field; null if it is not set.</summary>
    /// <exception cref="ProblemException">The field is something else.</exception>
    public static Guid? Id(FaceBody body, string field) =>
        body.Text(field) is not { } text ? null
        : Guid.TryParse(text, out Guid id) ? id
        : throw StablecogErrors.ParseError();

    private static void CheckSides(int width, int height, int least, int most)
    {
        Check(height > most, $"Height is too large, max is: {most}");
        Check(height < least, $"Height is too small, min is: {least}");
        Check(width > most, $"Width is too large, max is: {most}");
        Check(width < least, $"Width is too small, min is: {least}");
    }

    private static void Check(bool isWrong, string error)
    {
        if (isWrong)
        {
            throw StablecogErrors.Error(400, error);
        }
    }

    private static bool IsAddress(string text) =>
        text.StartsWith("s3://", StringComparison.Ordinal)
        || text.StartsWith("http://", StringComparison.Ordinal)
        || text.StartsWith("https://", StringComparison.Ordinal);

    private static string Six(double value) => value.ToString("F6", CultureInfo.InvariantCulture);
}
