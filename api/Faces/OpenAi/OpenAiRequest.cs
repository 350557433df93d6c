using System.Globalization;
using System.Text.Json;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.OpenAi;

/// <summary>A request of this face as it is answered: what its answer echoes, and how it is read.</summary>
internal sealed record OpenAiRequest
{
    /// <summary>What OpenAI's newest models have and the others lack.</summary>
    private static readonly string[] GptOnly =
    [
        "background",
        "moderation",
        "output_format",
        "output_compression",
        "stream",
        "partial_images",
        "input_fidelity",
    ];

    public required string? Model { get; init; }

    /// <summary>Whether it is of the gpt-image kind: answered in base64, with echoes and usage.</summary>
    public required bool IsGpt { get; init; }

    public required bool Base64 { get; init; }

    public required int Count { get; init; }

    public required string Quality { get; init; }

    /// <summary>png, jpeg or webp.</summary>
    public required string Format { get; init; }

    public required bool Stream { get; init; }

    public required int PartialImages { get; init; }

    public required string Prompt { get; init; }

    /// <summary>Reads what all three calls have.</summary>
    public static OpenAiRequest Read(FaceBody body, OpenAiTable table, bool withPrompt, string? defaultModel = null)
    {
        string? model = body.Text("model") ?? defaultModel;
        string quality = Choice(body, "quality", "auto", table.Quality.Keys);
        bool isGpt = model is not null
            ? model.StartsWith("gpt-image", StringComparison.OrdinalIgnoreCase)
                || model.StartsWith("chatgpt-image", StringComparison.OrdinalIgnoreCase)
            : GptOnly.Any(body.Has) || quality is "low" or "medium" or "high";
        string responseFormat = Choice(body, "response_format", isGpt ? "b64_json" : "url", ["url", "b64_json"]);
        bool stream = body.Flag("stream") ?? false;
        if (Choice(body, "background", "auto", ["auto", "opaque", "transparent"]) == "transparent")
        {
            body.Errors.Add("background", "cannot be 'transparent' here: no model makes transparent pictures; use opaque or auto");
        }

        Choice(body, "moderation", "auto", ["auto", "low"]);
        Choice(body, "style", "vivid", ["vivid", "natural"]);
        string? prompt = withPrompt ? body.Text("prompt") : "";
        if (string.IsNullOrWhiteSpace(prompt) && withPrompt && !body.Errors.Has("prompt"))
        {
            body.Errors.Add("prompt", "is required");
        }

        return new OpenAiRequest
        {
            Model = model,
            IsGpt = isGpt,
            Base64 = responseFormat == "b64_json" || stream,
            // One at least is looked at, so that all that is wrong is told
            Count = Math.Max(1, Between(body, "n", body.Int("n") ?? 1, 1, table.MaxImages)),
            Quality = quality,
            Format =
                Choice(body, "output_format", "png", ["png", "jpeg", "webp", "jpg"]) is var format && format == "jpg" ? "jpeg" : format,
            Stream = stream,
            PartialImages = Between(body, "partial_images", body.Int("partial_images") ?? 0, 0, 3),
            Prompt = prompt ?? "",
        };
    }

    /// <summary>Fills in what a native body has of it.</summary>
    /// <param name="native">The native body.</param>
    /// <param name="body">The request.</param>
    /// <param name="model">The model that will do it, where that is known.</param>
    /// <param name="table">The face's table.</param>
    /// <param name="name">The model's name in the catalogue; null: its default.</param>
    /// <param name="schedulers">The schedulers that workers have registered.</param>
    public T Fill<T>(T native, FaceBody body, ModelEntry? model, OpenAiTable table, string? name, IReadOnlyList<SchedulerEntry> schedulers)
        where T : PictureBody
    {
        native.Model = name;
        native.Prompt = Prompt;
        (native.Width, native.Height) = Size(body, model, table);
        native.OutputFormat = Format == "jpeg" ? "jpg" : Format;
        // 0 is the strongest compression there, and 1 the least quality here
        native.OutputQuality = body.Has("output_compression")
            ? Math.Max(1, Between(body, "output_compression", body.Int("output_compression") ?? 100, 0, 100))
            : null;
        // Fields that servers of open models have added to this interface
        native.NegativePrompt = body.Text("negative_prompt");
        native.NumInferenceSteps = body.Int("num_inference_steps", "num_steps", "steps", "step");
        native.GuidanceScale = body.Number("guidance_scale", "guidance");
        native.Seed = body.Integer("seed");
        native.Safety = body.Text("safety");
        if (body.Text("scheduler", "sampler") is { } scheduler)
        {
            try
            {
                native.Scheduler = FaceNames.Scheduler(scheduler, new Dictionary<string, string>(), schedulers);
            }
            catch (UnknownNameException e)
            {
                body.Errors.Add(body.Has("scheduler") ? "scheduler" : "sampler", e.Message);
            }
        }

        if (
            native.NumInferenceSteps is null
            && model is not null
            && table.Quality.GetValueOrDefault(Quality, 1) is var factor
            && factor != 1
        )
        {
            native.NumInferenceSteps = Math.Clamp((int)Math.Round(model.DefaultSteps * factor), 1, model.MaxSteps);
        }

        if (body.Text("user") is { } user)
        {
            native.Metadata = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["user"] = user });
        }

        return native;
    }

    private static (int? Width, int? Height) Size(FaceBody body, ModelEntry? model, OpenAiTable table)
    {
        string? size = body.Text("size");
        if (size is null or "auto")
        {
            return (body.Int("width"), body.Int("height"));
        }

        bool isListed = table.Sizes.TryGetValue(size.Trim().ToLowerInvariant(), out string? listed);
        string[] sides = (listed ?? size).Split(['x', 'X', '*'], StringSplitOptions.TrimEntries);
        if (
            sides.Length != 2
            || !int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out int width)
            || !int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out int height)
            || width == 0
            || height == 0
        )
        {
            body.Errors.Add("size", $"must be auto or WIDTHxHEIGHT as 1024x1024, and is '{ErrorText.Shown(size)}'");
            return (null, null);
        }

        // Clients choose from the service's list, whatever model stands behind it
        return isListed && model is not null ? ModelChoice.NearestSize(model, width, height) : (width, height);
    }

    private static string Choice(FaceBody body, string field, string otherwise, IEnumerable<string> known)
    {
        string value = body.Text(field)?.ToLowerInvariant() ?? otherwise;
        if (known.Contains(value))
        {
            return value;
        }

        body.Errors.Add(field, $"must be one of {string.Join(", ", known)}, and is '{ErrorText.Shown(value)}'");
        return otherwise;
    }

    private static int Between(FaceBody body, string field, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            body.Errors.Add(field, $"must be {least} to {most}, and is {value}");
        }

        return value;
    }
}
