using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>
/// Which model a request means, and which sizes it makes: decided alike for native requests and for those of other services'
/// clients.
/// </summary>
internal static class ModelChoice
{
    /// <summary>Where several models do a kind, the one with this name is meant by a request that names none.</summary>
    private const string Embedded = "demo";

    /// <summary>The models that do a kind, by name.</summary>
    public static ModelEntry[] Able(IReadOnlyDictionary<string, ModelEntry> models, JobKind kind) =>
        [.. models.Values.Where(m => m.Kinds.Contains(kind)).OrderBy(m => m.Name, StringComparer.Ordinal)];

    /// <summary>Of the models that do a kind, the one that a request without a model's name means; null where it must name one.</summary>
    public static ModelEntry? Meant(ModelEntry[] able) => able.Length == 1 ? able[0] : able.FirstOrDefault(m => m.Name == Embedded);

    /// <summary>
    /// Of the models that do a kind, the default of a service whose clients need not name one: the service's own default,
    /// else the one that a native request means, else the first. Null where there are none.
    /// </summary>
    public static ModelEntry? Default(ModelEntry[] able, string? preferred) =>
        able.FirstOrDefault(m => m.Name == preferred) ?? able.FirstOrDefault(m => m.Name == Embedded) ?? able.FirstOrDefault();

    /// <summary>
    /// The entry of a model; without a name, of the one that a native request means. Null where the request will be refused.
    /// </summary>
    public static ModelEntry? Find(IReadOnlyDictionary<string, ModelEntry> models, string? name, JobKind kind) =>
        name is not null ? models.GetValueOrDefault(name) : Meant(Able(models, kind));

    /// <summary>By how much a size must shrink to be within the model's largest side and number of pixels; 1 where it is.</summary>
    public static double ShrinkToFit(ModelEntry model, double width, double height) =>
        Math.Min(1, Math.Min(model.MaxSide / Math.Max(width, height), Math.Sqrt(model.MaxPixels / (width * height))));

    /// <summary>The side that the model makes which is nearest to <paramref name="side"/> and not above it, where there is one.</summary>
    public static int NearestSide(ModelEntry model, double side)
    {
        int multiple = Math.Max(1, model.MultipleOf);
        int down = (int)(Math.Round(side, 6) / multiple) * multiple;
        return Math.Clamp(down, (model.MinSide + multiple - 1) / multiple * multiple, model.MaxSide / multiple * multiple);
    }

    /// <summary>
    /// The nearest size to <paramref name="width"/> x <paramref name="height"/>, of the same shape, that the model makes.
    /// </summary>
    public static (int Width, int Height) NearestSize(ModelEntry model, int width, int height)
    {
        double grow = Math.Max(1, (double)model.MinSide / Math.Min(width, height));
        double factor = grow > 1 ? grow : ShrinkToFit(model, width, height);
        return (NearestSide(model, width * factor), NearestSide(model, height * factor));
    }
}
