using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>The checks that all kinds share that make pictures by a prompt, with or without a picture to begin with.</summary>
internal sealed partial class RequestChecks
{
    public const int MaxLoras = 8;

    /// <summary>Returns the common fields, as a request from a prompt alone, and the model; null where the model is at fault.</summary>
    /// <param name="body">The body.</param>
    /// <param name="picture">The picture whose size the outputs have where the body gives none; null where there is none.</param>
    /// <param name="whole">
    /// The size of the outputs where it follows from the picture and the sides to add; its parts are null where there is no picture.
    /// </param>
    public (Text2ImgRequest? Common, ModelEntry? Model) CommonFields(
        PictureBody body,
        StoredPicture? picture = null,
        (int? Width, int? Height)? whole = null
    )
    {
        KindDefinition kind = KindTable.Of(body);
        string prompt = Prompt(body.Prompt);
        string negative = OptionalPrompt("negative_prompt", body.NegativePrompt);
        (prompt, IReadOnlyList<LoraTag> tags) = PromptTags.TakeLoras("prompt", prompt, errors);
        NoLoras("negative_prompt", negative);
        if (Model(body.Model, kind.Kind) is not { } model)
        {
            return (null, null);
        }

        (int width, int height) = whole switch
        {
            ({ } w, { } h) => Size(model, w, h, "left", "top"),
            not null => (model.DefaultWidth, model.DefaultHeight),
            null => Size(model, body.Width, body.Height, picture),
        };
        int steps = Steps(model, body.NumInferenceSteps);
        Syntax("prompt", prompt, model, steps);
        Syntax("negative_prompt", negative, model, steps);
        var common = new Text2ImgRequest
        {
            Model = model.Name,
            Prompt = prompt,
            NegativePrompt = negative,
            Width = width,
            Height = height,
            NumInferenceSteps = steps,
            GuidanceScale = GuidanceScale(model, body.GuidanceScale),
            GuidanceRescale = Range("guidance_rescale", body.GuidanceRescale ?? model.DefaultGuidanceRescale, 0, 1),
            Scheduler = Scheduler(model, body.Scheduler),
            Seed = Seed(body.Seed),
            NumImages = Range("num_images", body.NumImages ?? 1, 1, model.MaxImages),
            OutputFormat = PictureFormat(body.OutputFormat),
            OutputQuality = Quality(body.OutputQuality),
            Safety = Safety(model, body.Safety),
            Loras = Loras(model, body.Loras, tags),
            ClipSkip = body.ClipSkip is { } skip ? Range("clip_skip", skip, 0, 4) : null,
            Vae = body.Vae is null ? null : Vae(model, body.Vae),
            Refiner = Refiner(model, body.Refiner),
            HiresFix = HiresFix(model, kind, body.HiresFix, steps),
        };
        return (common, model);
    }

    /// <summary>The LoRAs that a request names in its own field, and after them those of its prompt's tags.</summary>
    private List<LoraUse>? Loras(ModelEntry model, LoraBody[]? bodies, IReadOnlyList<LoraTag> tags)
    {
        bodies ??= [];
        if (bodies.Length + tags.Count == 0)
        {
            return null;
        }

        if (bodies.Length + tags.Count > MaxLoras)
        {
            errors.Add(
                bodies.Length > 0 ? "loras" : "prompt",
                $"may name {MaxLoras} LoRAs at most, and {(tags.Count > 0 && bodies.Length > 0 ? "names with the prompt's tags" : "names")} "
                    + $"{bodies.Length + tags.Count}"
            );
            return null;
        }

        var uses = new List<LoraUse>();
        for (int i = 0; i < bodies.Length; i++)
        {
            double scale = Range($"loras[{i}].scale", bodies[i].Scale ?? 1, -4, 4);
            double? text = bodies[i].TextEncoderScale is { } own ? Range($"loras[{i}].text_encoder_scale", own, -4, 4) : null;
            Lora(model, $"loras[{i}].model", "", bodies[i].Model, scale, text, uses);
        }

        foreach (LoraTag tag in tags)
        {
            string shown = ErrorText.Shown(tag.Tag) + ": ";
            Range("prompt", tag.Scale, -4, 4, $" in {ErrorText.Shown(tag.Tag)}");
            double? text =
                tag.TextEncoderScale == tag.Scale ? null : Range("prompt", tag.TextEncoderScale, -4, 4, $" in {ErrorText.Shown(tag.Tag)}");
            Lora(model, "prompt", shown, tag.Name, tag.Scale, text, uses);
        }

        return uses;
    }

    private void Lora(ModelEntry model, string field, string shown, string? name, double scale, double? text, List<LoraUse> uses)
    {
        if (name is null)
        {
            errors.Add(field, "is required");
        }
        else if (uses.Any(use => use.Model == name))
        {
            errors.Add(field, $"{shown}'{ErrorText.Shown(name)}' is given twice");
        }
        else if (model.Loras.FirstOrDefault(lora => lora.Name == name) is { } lora)
        {
            if (lora.Family != model.Family)
            {
                errors.Add(
                    field,
                    $"{shown}'{lora.Name}' is for models of the family {lora.Family}, and {model.Name} is of the family {model.Family}"
                );
            }

            uses.Add(new LoraUse(lora.Name, scale, text));
        }
        else
        {
            string[] fitting = [.. model.Loras.Where(l => l.Family == model.Family).Select(l => l.Name)];
            errors.Add(
                field,
                $"{shown}there is no LoRA '{ErrorText.Shown(name)}'{ErrorText.DidYouMean(name, fitting)}"
                    + (
                        fitting.Length == 0
                            ? $"; none here fits {model.Name}"
                            : $" {model.Name} takes {string.Join(", ", fitting.Take(20))}"
                    )
            );
        }
    }

    private string Vae(ModelEntry model, string name)
    {
        string[] known = [.. model.Vaes.Select(v => v.Name)];
        if (known.Length > 0)
        {
            return Choice("vae", name, known);
        }

        errors.Add("vae", $"{model.Name} has no other vae than its own; leave it out");
        return name;
    }

    private RefinerUse? Refiner(ModelEntry model, RefinerBody? body)
    {
        if (body is null)
        {
            return null;
        }

        double switchAt = Range("refiner.switch_at", body.SwitchAt ?? 0.8, 0, 1);
        string? name = body.Model ?? model.Refiner;
        if (name is null)
        {
            errors.Add("refiner.model", $"is required; {model.Name} names none of its own");
            return null;
        }

        if (!models.TryGetValue(name, out ModelEntry? refiner))
        {
            errors.Add("refiner.model", $"there is no model '{ErrorText.Shown(name)}'{ErrorText.DidYouMean(name, models.Keys)}");
        }
        else if (refiner.Family != model.Family && refiner.Family != model.Family + "-refiner")
        {
            errors.Add(
                "refiner.model",
                $"'{refiner.Name}' is of the family {refiner.Family}, and {model.Name} is of the family {model.Family}: "
                    + "their latents do not fit together"
            );
        }

        return new RefinerUse(name, switchAt);
    }

    private HiresFix? HiresFix(ModelEntry model, KindDefinition kind, HiresFixBody? body, int steps)
    {
        if (body is null)
        {
            return null;
        }

        if (!kind.TakesHiresFix)
        {
            string takers = string.Join(", ", KindTable.All.Where(k => k.TakesHiresFix).Select(k => k.Name));
            errors.Add("hires_fix", $"goes with {takers}, and not with {kind.Name}");
        }

        int secondSteps = Range("hires_fix.steps", body.Steps ?? steps, 1, model.MaxSteps);
        double strength = Strength("hires_fix.strength", body.Strength ?? 0.5);
        string[] upscalers = [.. new[] { model.Upscaler?.Name, Contracts.HiresFix.Lanczos }.OfType<string>()];
        return new HiresFix(
            Range("hires_fix.scale", body.Scale ?? 2, 1, 4),
            strength,
            secondSteps,
            body.Upscaler is null ? null : Choice("hires_fix.upscaler", body.Upscaler, upscalers)
        );
    }
}
