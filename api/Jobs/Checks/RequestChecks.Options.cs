using Generation.Contracts;

namespace Generation.Api;

/// <summary>What is laid over a model or put in place of its parts: checked against what fits it.</summary>
internal sealed partial class RequestChecks
{
    private const int MaxLoras = 8;
    private const string Lanczos = "lanczos";

    private static readonly JobKind[] HiresKinds = [JobKind.Text2Img, JobKind.Img2Img, JobKind.ControlNet];

    /// <summary>Absent: flagged where the model has a checker, else not looked at.</summary>
    private SafetyPolicy Safety(ModelEntry model, string? given)
    {
        SafetyPolicy policy = Choice("safety", given, model.SafetyChecker is null ? SafetyPolicy.Off : SafetyPolicy.Flag);
        if (given is not null && policy != SafetyPolicy.Off && model.SafetyChecker is null)
        {
            errors.Add("safety", $"{model.Name} has no safety checker, so that '{Words.Shown(given)}' cannot be done; only off can");
        }

        return policy;
    }

    private List<LoraUse>? Loras(ModelEntry model, LoraBody[]? bodies)
    {
        if (bodies is null or [])
        {
            return null;
        }

        if (bodies.Length > MaxLoras)
        {
            errors.Add("loras", $"may be {MaxLoras} at most, and are {bodies.Length}");
            return null;
        }

        var uses = new List<LoraUse>();
        for (int i = 0; i < bodies.Length; i++)
        {
            string field = $"loras[{i}].model";
            double scale = Range($"loras[{i}].scale", bodies[i].Scale ?? 1, -4, 4);
            if (bodies[i].Model is not { } name)
            {
                errors.Add(field, "is required");
            }
            else if (uses.Any(use => use.Model == name))
            {
                errors.Add(field, $"'{Words.Shown(name)}' is given twice");
            }
            else if (model.Loras.FirstOrDefault(lora => lora.Name == name) is { } lora)
            {
                if (lora.Family != model.Family)
                {
                    errors.Add(
                        field,
                        $"'{lora.Name}' is for models of the family {lora.Family}, and {model.Name} is of the family {model.Family}"
                    );
                }

                uses.Add(new LoraUse(lora.Name, scale));
            }
            else
            {
                string[] fitting = [.. model.Loras.Where(l => l.Family == model.Family).Select(l => l.Name)];
                errors.Add(
                    field,
                    $"there is no LoRA '{Words.Shown(name)}'{Words.DidYouMean(name, fitting)}"
                        + (
                            fitting.Length == 0
                                ? $"; none here fits {model.Name}"
                                : $" {model.Name} takes {string.Join(", ", fitting.Take(20))}"
                        )
                );
            }
        }

        return uses;
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
            errors.Add("refiner.model", $"there is no model '{Words.Shown(name)}'{Words.DidYouMean(name, models.Keys)}");
        }
        else if (refiner.Family != model.Family && refiner.Family != model.Family + "-refiner")
        {
            errors.Add(
                "refiner.model",
                $"'{refiner.Name}' is of the family {refiner.Family}, and {model.Name} is of the family {model.Family}: their latents "
                    + "do not fit together"
            );
        }

        return new RefinerUse(name, switchAt);
    }

    private HiresFix? HiresFix(ModelEntry model, JobKind kind, PictureBody picture, int steps)
    {
        if (picture.HiresFix is not { } body)
        {
            return null;
        }

        if (!HiresKinds.Contains(kind))
        {
            errors.Add("hires_fix", $"goes with {string.Join(", ", HiresKinds.Select(k => k.WireName()))}, and not with {kind.WireName()}");
        }

        int secondSteps = Range("hires_fix.steps", body.Steps ?? steps, 1, model.MaxSteps);
        double strength = body.Strength ?? 0.5;
        if (!(strength > 0 && strength <= 1))
        {
            errors.Add("hires_fix.strength", $"must be above 0 and at most 1, and is {strength}");
        }

        string[] upscalers = [.. new[] { model.Upscaler?.Name, Lanczos }.OfType<string>()];
        return new HiresFix(
            Range("hires_fix.scale", body.Scale ?? 2, 1, 4),
            strength,
            secondSteps,
            body.Upscaler is null ? null : Choice("hires_fix.upscaler", body.Upscaler, upscalers)
        );
    }

    private string Part(string field, ModelEntry model, string name, string[] known)
    {
        if (known.Length > 0)
        {
            return Choice(field, name, known);
        }

        errors.Add(field, $"{model.Name} has no other {field} than its own; leave it out");
        return name;
    }
}
