using Generation.Contracts;

namespace Generation.Api.Faces;

/// <summary>What faces need to know of a model before a job is submitted.</summary>
internal static class FaceModels
{
    /// <summary>
    /// The entry of a model; without a name, that of the one that a native request of this kind means. Null: the request will be refused.
    /// </summary>
    public static ModelEntry? Entry(string? name, JobKind kind, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        if (name is not null)
        {
            return catalogue.GetValueOrDefault(name);
        }

        ModelEntry[] able = [.. catalogue.Values.Where(m => m.Kinds.Contains(kind))];
        return able.Length == 1 ? able[0] : able.FirstOrDefault(m => m.Name == "demo");
    }

    /// <summary>
    /// The nearest size to <paramref name="width"/> x <paramref name="height"/>, of the same shape, that the model makes.
    /// </summary>
    public static (int Width, int Height) Fit(ModelEntry model, int width, int height)
    {
        double shrink = Math.Min(
            1,
            Math.Min((double)model.MaxSide / Math.Max(width, height), Math.Sqrt((double)model.MaxPixels / ((double)width * height)))
        );
        double grow = Math.Max(1, (double)model.MinSide / Math.Min(width, height));
        double factor = grow > 1 ? grow : shrink;
        return (Side(width), Side(height));

        int Side(int side)
        {
            int multiple = Math.Max(1, model.MultipleOf);
            int near = (int)(Math.Round(side * factor, 6) / multiple) * multiple;
            return Math.Clamp(near, (model.MinSide + multiple - 1) / multiple * multiple, model.MaxSide / multiple * multiple);
        }
    }
}
