using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>The model, and what it limits.</summary>
internal sealed partial class RequestChecks
{
    /// <summary>The model that a request names, or the one that it means by naming none; null where that is an error.</summary>
    public ModelEntry? Model(string? name, JobKind kind)
    {
        if (errors.Has("model"))
        {
            return null;
        }

        ModelEntry[] able = ModelChoice.Able(models, kind);
        if (name is not null && !models.ContainsKey(name))
        {
            string known = able.Length is > 0 and <= 20 ? $" There are {Names(able)}" : " /v1/models lists them";
            errors.Add("model", $"there is no model '{ErrorText.Shown(name)}'{ErrorText.DidYouMean(name, models.Keys)}{known}");
            return null;
        }

        if (models.Count == 0)
        {
            errors.Add("model", "no model is there yet: no worker has registered one");
            return null;
        }

        if (Unavailable(name, kind, isOnly: able.Length == 0) is { } unavailable)
        {
            throw new ProblemException(
                503,
                "kind_unavailable",
                $"{kind.WireName()} is off where the worker runs: {unavailable.Reason}. "
                    + "All else works, and this does once that is mended."
            );
        }

        if (able.Length == 0)
        {
            throw new ProblemException(
                422,
                "unsupported_kind",
                $"No model here does {kind.WireName()}; /v1/models lists what they do.",
                new Dictionary<string, string[]> { ["model"] = [$"no model here does {kind.WireName()}"] }
            );
        }

        if (name is null)
        {
            ModelEntry? meant = ModelChoice.Meant(able);
            if (meant is null)
            {
                errors.Add("model", $"is required; there are {Names(able)}");
            }

            return meant;
        }

        ModelEntry model = models[name];
        if (model.Kinds.Contains(kind))
        {
            return model;
        }

        string does = string.Join(", ", model.Kinds.Select(k => k.WireName()));
        errors.Add("model", $"'{model.Name}' cannot do this; it does {does}. {kind.WireName()} is done by {Names(able)}");
        return null;

        static string Names(ModelEntry[] entries) => string.Join(", ", entries.Select(m => m.Name));
    }

    /// <summary>The scheduler that a request names; the model's own where it names none.</summary>
    public string Scheduler(ModelEntry model, string? name)
    {
        if (name is null || name == model.DefaultScheduler)
        {
            return model.DefaultScheduler;
        }

        string[] known = [.. schedulers.Select(s => s.Name).Append(model.DefaultScheduler).Distinct().Order()];
        return Choice("scheduler", name, known);
    }

    /// <summary>What is done with flagged outputs; where nothing is asked for, they are flagged if the model has a checker.</summary>
    public SafetyPolicy Safety(ModelEntry model, string? given)
    {
        SafetyPolicy policy = Choice("safety", given, model.SafetyChecker is null ? SafetyPolicy.Off : SafetyPolicy.Flag);
        if (given is not null && policy != SafetyPolicy.Off && model.SafetyChecker is null)
        {
            errors.Add("safety", $"{model.Name} has no safety checker, so that '{ErrorText.Shown(given)}' cannot be done; only off can");
        }

        return policy;
    }

    /// <summary>
    /// The size of the outputs, in pixels: as asked, else the picture's own, brought into the model's limits with its aspect
    /// kept; without a picture, the model's default for what was left out.
    /// </summary>
    public (int Width, int Height) Size(ModelEntry model, int? width, int? height, StoredPicture? picture)
    {
        if (picture is null)
        {
            return Size(model, width ?? model.DefaultWidth, height ?? model.DefaultHeight, "width", "height");
        }

        double aspect = (double)picture.Width / picture.Height;
        (double w, double h) = (width, height) switch
        {
            ({ } given, null) => (given, given / aspect),
            (null, { } given) => (given * aspect, given),
            _ => ((double)picture.Width, (double)picture.Height),
        };
        if (width is null && height is null)
        {
            double shrink = ModelChoice.ShrinkToFit(model, w, h);
            (w, h) = (w * shrink, h * shrink);
        }

        return Size(model, width ?? ModelChoice.NearestSide(model, w), height ?? ModelChoice.NearestSide(model, h), "width", "height");
    }

    /// <summary>A size of the outputs, in pixels, that is to be blamed on the fields of these names.</summary>
    private (int Width, int Height) Size(ModelEntry model, int width, int height, string widthField, string heightField)
    {
        Side(widthField, width);
        Side(heightField, height);
        if (!errors.Has(widthField) && !errors.Has(heightField) && (long)width * height > model.MaxPixels)
        {
            errors.Add(
                widthField,
                $"width times height may be {model.MaxPixels} pixels at most with {model.Name}, "
                    + $"and {width} x {height} is {(long)width * height}"
            );
        }

        return (width, height);

        void Side(string field, int value)
        {
            Range(field, value, model.MinSide, model.MaxSide, $" with {model.Name}");
            if (!errors.Has(field) && value % model.MultipleOf != 0)
            {
                int below = value / model.MultipleOf * model.MultipleOf;
                errors.Add(
                    field,
                    $"must be a multiple of {model.MultipleOf} with {model.Name}, and is {value}; "
                        + $"{below} and {below + model.MultipleOf} are near"
                );
            }
        }
    }

    /// <summary>Why the kind is not to be had of the named model, or, where no model does it now, of any.</summary>
    private UnavailableKind? Unavailable(string? name, JobKind kind, bool isOnly) => (
            name is not null ? [models[name]]
            : isOnly ? models.Values
            : []
        ).SelectMany(m => m.UnavailableKinds).FirstOrDefault(unavailable => unavailable.Kind == kind);
}
