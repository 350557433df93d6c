using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api;

/// <summary>Checks a request by its model's entry and fills in what was left out. Every error names field, limit and value.</summary>
internal sealed class RequestChecks(
    FieldErrors errors, IReadOnlyDictionary<string, ModelEntry> models, IReadOnlyList<SchedulerEntry> schedulers)
{
    public const int MaxPromptLength = 4000;
    public const long MaxSeed = (1L << 53) - 1;
    private const int MaxMetadataBytes = 16 * 1024;
    private const int DefaultExpiresIn = 24 * 3600;

    private static readonly string[] Formats = ["png", "jpg", "webp"];

    /// <summary>The checked request, with its model and render plan.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed.</exception>
    public (Text2ImgRequest Request, ModelEntry Model, RenderPlan Plan) Check(Text2ImgBody body)
    {
        string prompt = Prompt(body.Prompt);
        string negative = Text("negative_prompt", body.NegativePrompt ?? "", MaxPromptLength);
        ModelEntry? model = Model(body.Model, JobKind.Text2Img);
        CheckJob(body);
        if (model is null)
        {
            errors.ThrowIfAny();
            throw new InvalidOperationException("An unknown model is an error.");
        }

        (int width, int height) = Size(model, body.Width, body.Height);
        var request = new Text2ImgRequest
        {
            Model = model.Name,
            Prompt = prompt,
            NegativePrompt = negative,
            Width = width,
            Height = height,
            NumInferenceSteps = Range("num_inference_steps", body.NumInferenceSteps ?? model.DefaultSteps, 1, model.MaxSteps),
            GuidanceScale = Range("guidance_scale", body.GuidanceScale ?? model.DefaultGuidanceScale, 0, 50),
            GuidanceRescale = Range("guidance_rescale", body.GuidanceRescale ?? model.DefaultGuidanceRescale, 0, 1),
            Scheduler = Scheduler(model, body.Scheduler),
            Seed = Range("seed", body.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue), 0, MaxSeed),
            NumImages = Range("num_images", body.NumImages ?? 1, 1, model.MaxImages),
            OutputFormat = Choice("output_format", body.OutputFormat ?? Formats[0], Formats),
            OutputQuality = Range("output_quality", body.OutputQuality ?? 90, 1, 100),
        };
        errors.ThrowIfAny();
        return (request, model, RenderPlan.For(model, width, height));
    }

    /// <summary>How long the job may wait for its start.</summary>
    public static TimeSpan ExpiresIn(JobBody body) => TimeSpan.FromSeconds(body.ExpiresIn ?? DefaultExpiresIn);

    private void CheckJob(JobBody body)
    {
        Range("priority", body.Priority ?? 0, -100, 100);
        Range("expires_in", body.ExpiresIn ?? DefaultExpiresIn, 1, 7 * 24 * 3600);
        WebhooksApi.Check(body, errors);
        if (body.Metadata is { } metadata)
        {
            string raw = metadata.GetRawText();
            if (metadata.ValueKind != JsonValueKind.Object)
            {
                errors.Add("metadata", $"must be an object, and is {Words.KindOf(metadata)}");
            }
            else if (System.Text.Encoding.UTF8.GetByteCount(raw) is var bytes and > MaxMetadataBytes)
            {
                errors.Add("metadata", $"may have {MaxMetadataBytes} bytes at most, and has {bytes}");
            }
            else if (!IsStorable(metadata))
            {
                errors.Add("metadata", "contains the character U+0000 or half of a surrogate pair");
            }
        }
    }

    private string Prompt(string? prompt)
    {
        if (prompt is null)
        {
            if (!errors.Has("prompt"))
            {
                errors.Add("prompt", "is required");
            }

            return "";
        }

        if (string.IsNullOrWhiteSpace(prompt))
        {
            errors.Add("prompt", "must not be empty");
        }

        return Text("prompt", prompt, MaxPromptLength);
    }

    private string Text(string field, string value, int maxLength)
    {
        if (value.Length > maxLength)
        {
            errors.Add(field, $"may have {maxLength} characters at most, and has {value.Length}");
        }

        return value;
    }

    private ModelEntry? Model(string? name, JobKind kind)
    {
        if (errors.Has("model"))
        {
            return null;
        }

        ModelEntry? model;
        if (name is null)
        {
            ModelEntry[] able = [.. models.Values.Where(m => m.Kinds.Contains(kind))];
            model = able.Length == 1 ? able[0] : models.GetValueOrDefault("demo");
            if (model is null)
            {
                errors.Add("model", able.Length == 0
                    ? "no model is there yet: no worker has registered one"
                    : $"is required; there are {string.Join(", ", able.Select(m => m.Name).Order())}");
            }
        }
        else if (!models.TryGetValue(name, out model))
        {
            errors.Add("model", $"there is no model '{Words.Shown(name)}'{Words.DidYouMean(name, models.Keys)}{Known()}");
        }

        if (model is not null && !model.Kinds.Contains(kind))
        {
            errors.Add("model", $"'{model.Name}' cannot do this; it does {string.Join(", ", model.Kinds.Select(k => JsonSerializer.Serialize(k).Trim('"')))}");
            return null;
        }

        return model;

        string Known() => models.Count is > 0 and <= 20 ? $" There are {string.Join(", ", models.Keys.Order())}" : " /v1/models lists them";
    }

    private string Scheduler(ModelEntry model, string? name)
    {
        if (name is null || name == model.DefaultScheduler)
        {
            return model.DefaultScheduler;
        }

        string[] known = [.. schedulers.Select(s => s.Name).Append(model.DefaultScheduler).Distinct().Order()];
        return Choice("scheduler", name, known);
    }

    private (int Width, int Height) Size(ModelEntry model, int? width, int? height)
    {
        // One side alone: the other follows the model's default
        int w = Side("width", width ?? model.DefaultWidth);
        int h = Side("height", height ?? model.DefaultHeight);
        if (!errors.Has("width") && !errors.Has("height") && (long)w * h > model.MaxPixels)
        {
            errors.Add("width", $"width times height may be {model.MaxPixels} pixels at most with {model.Name}, and {w} x {h} is {(long)w * h}");
        }

        return (w, h);

        int Side(string field, int value)
        {
            Range(field, value, model.MinSide, model.MaxSide, $" with {model.Name}");
            if (!errors.Has(field) && value % model.MultipleOf != 0)
            {
                int below = value / model.MultipleOf * model.MultipleOf;
                errors.Add(field, $"must be a multiple of {model.MultipleOf} with {model.Name}, and is {value}; {below} and {below + model.MultipleOf} are near");
            }

            return value;
        }
    }

    private T Range<T>(string field, T value, T least, T most, string where = "")
        where T : INumber<T>
    {
        if (value < least || value > most)
        {
            errors.Add(field, $"must be {least} to {most}{where}, and is {value}");
        }

        return value;
    }

    private string Choice(string field, string value, string[] known)
    {
        if (!known.Contains(value))
        {
            errors.Add(field, $"must be one of {string.Join(", ", known)}, and is '{Words.Shown(value)}'{Words.DidYouMean(value, known)}");
        }

        return value;
    }

    /// <summary>Whether PostgreSQL's jsonb takes it.</summary>
    private static bool IsStorable(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Object => value.EnumerateObject().All(p => !p.Name.Contains('\0') && IsStorable(p.Value)),
                JsonValueKind.Array => value.EnumerateArray().All(IsStorable),
                JsonValueKind.String => !value.GetString()!.Contains('\0'),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
