using Generation.Contracts;
using Generation.Planning;

namespace Generation.Api;

/// <summary>The model, and what it limits.</summary>
internal sealed partial class RequestChecks
{
    /// <summary>The model that a request names, or the one that it means by naming none; null where that is an error.</summary>
    private ModelEntry? Model(string? name, JobKind kind)
    {
        if (errors.Has("model"))
        {
            return null;
        }

        ModelEntry[] able = [.. models.Values.Where(m => m.Kinds.Contains(kind)).OrderBy(m => m.Name, StringComparer.Ordinal)];
        if (name is not null && !models.ContainsKey(name))
        {
            string known = able.Length is > 0 and <= 20 ? $" There are {Names(able)}" : " /v1/models lists them";
            errors.Add("model", $"there is no model '{Words.Shown(name)}'{Words.DidYouMean(name, models.Keys)}{known}");
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
                $"{kind.WireName()} is off where the worker runs: {unavailable.Reason}. All else works, and this does once that is mended."
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
            ModelEntry? meant = able.Length == 1 ? able[0] : able.FirstOrDefault(m => m.Name == "demo");
            if (meant is null)
            {
                errors.Add("model", $"is required; there are {Names(able)}");
            }

            return meant;
        }

        ModelEntry model = models[name];
        if (!model.Kinds.Contains(kind))
        {
            errors.Add(
                "model",
                $"'{model.Name}' cannot do this; it does {string.Join(", ", model.Kinds.Select(k => k.WireName()))}. {kind.WireName()} "
                    + $"is done by {Names(able)}"
            );
            return null;
        }

        return model;

        static string Names(ModelEntry[] entries) => string.Join(", ", entries.Select(m => m.Name));
    }

    /// <summary>Why the kind is not to be had of the named model, or, where no model does it now, of any.</summary>
    private UnavailableKind? Unavailable(string? name, JobKind kind, bool isOnly) => (
            name is not null ? [models[name]]
            : isOnly ? models.Values
            : []
        ).SelectMany(m => m.UnavailableKinds).FirstOrDefault(unavailable => unavailable.Kind == kind);

    private string Scheduler(ModelEntry model, string? name)
    {
        if (name is null || name == model.DefaultScheduler)
        {
            return model.DefaultScheduler;
        }

        string[] known = [.. schedulers.Select(s => s.Name).Append(model.DefaultScheduler).Distinct().Order()];
        return Choice("scheduler", name, known);
    }

    /// <summary>The size of the outputs, where the request's picture gives none.</summary>
    private (int Width, int Height) Size(ModelEntry model, int? width, int? height) =>
        // One side alone: the other follows the model's default
        Size(model, width ?? model.DefaultWidth, height ?? model.DefaultHeight, "width", "height");

    /// <summary>The size of the outputs: as asked, else the picture's own, brought into the model's limits with its aspect kept.</summary>
    private (int Width, int Height) Size(ModelEntry model, int? width, int? height, StoredPicture? picture)
    {
        if (picture is null)
        {
            return Size(model, width, height);
        }

        double aspect = (double)picture.Width / picture.Height;
        (double w, double h) = (width, height) switch
        {
            ({ } given, null) => ((double)given, given / aspect),
            (null, { } given) => (given * aspect, (double)given),
            _ => (picture.Width, picture.Height),
        };
        if (width is null && height is null)
        {
            double shrink = Math.Min(1, Math.Min(model.MaxSide / Math.Max(w, h), Math.Sqrt(model.MaxPixels / (w * h))));
            (w, h) = (w * shrink, h * shrink);
        }

        return Size(model, width ?? Near(w), height ?? Near(h), "width", "height");

        int Near(double side)
        {
            int multiple = model.MultipleOf;
            int down = (int)(Math.Round(side, 6) / multiple) * multiple;
            return Math.Clamp(down, (model.MinSide + multiple - 1) / multiple * multiple, model.MaxSide / multiple * multiple);
        }
    }

    private (int Width, int Height) Size(ModelEntry model, int width, int height, string widthField, string heightField)
    {
        Side(widthField, width);
        Side(heightField, height);
        if (!errors.Has(widthField) && !errors.Has(heightField) && (long)width * height > model.MaxPixels)
        {
            errors.Add(
                widthField,
                $"width times height may be {model.MaxPixels} pixels at most with {model.Name}, and {width} x {height} is "
                    + $"{(long)width * height}"
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
                    $"must be a multiple of {model.MultipleOf} with {model.Name}, and is {value}; {below} and "
                        + $"{below + model.MultipleOf} are near"
                );
            }
        }
    }

    /// <summary>
    /// The request with its plan; null where something is wrong with it. What can be seen only once all is planned is checked here:
    /// whether any steps are left to run, and the product of pixels, steps and frames, of which each alone may be large.
    /// </summary>
    private CheckedRequest? Planned(JobRequest request, ModelEntry model)
    {
        if (errors.HasAny)
        {
            return null;
        }

        try
        {
            JobPlan plan = JobPlanner.Plan(request, model, models.GetValueOrDefault);
            long work = (long)plan.Width * plan.Height * plan.Steps * plan.Frames;
            if (model.MaxPixelSteps is not { } most || work <= most)
            {
                return new CheckedRequest(request, model, plan);
            }

            errors.Add(
                "num_inference_steps",
                $"times pixels{(plan.Frames > 1 ? " and frames" : "")} may be {most} at most with {model.Name}, and is {work}; ask for "
                    + "fewer steps or a smaller size"
            );
        }
        catch (PlanException e)
        {
            errors.Add(e.Field, e.Message);
        }

        return null;
    }
}
