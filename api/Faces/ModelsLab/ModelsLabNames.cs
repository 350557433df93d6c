using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>The service's names of models and schedulers, found among ours.</summary>
internal sealed class ModelsLabNames(
    ModelsLabTable table,
    IReadOnlyDictionary<string, ModelEntry> catalogue,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    private const string Family = "family:";

    /// <summary>
    /// The model for a kind of work: what the table says of the name, else the catalogue's model of this name, else
    /// (where the table has "*") the default. Null: there is none.
    /// </summary>
    /// <param name="name">The client's; null for none.</param>
    /// <param name="kind">What the model is to do.</param>
    /// <param name="ofPicture">Of models of clips: whether it is one that moves a picture, or one that draws what words say.</param>
    public ModelEntry? Model(string? name, JobKind kind, bool ofPicture = false)
    {
        Dictionary<string, string> names = kind == JobKind.SuperResolution ? table.Upscalers : table.Models;
        if (name is null)
        {
            return Default(kind, ofPicture);
        }

        if (catalogue.TryGetValue(name, out ModelEntry? own))
        {
            return own;
        }

        return names.TryGetValue(name, out string? mapped) || names.TryGetValue("*", out mapped)
            ? mapped.StartsWith(Family, StringComparison.Ordinal)
                ? Able(kind, ofPicture).FirstOrDefault(m => m.Family == mapped[Family.Length..]) ?? Default(kind, ofPicture)
                : mapped.Length > 0
                    ? catalogue.GetValueOrDefault(mapped)
                    : Default(kind, ofPicture)
            : null;
    }

    /// <summary>
    /// The native name of a scheduler, with the Karras levels if those are asked for and there; null for the model's own.
    /// </summary>
    /// <exception cref="UnknownNameException">There is no such scheduler.</exception>
    public string? Scheduler(string? name, bool karras, ModelEntry? model)
    {
        // Flow models have schedulers of their own, whatever their clients say
        if (name is null || model?.DefaultScheduler.StartsWith("flow_", StringComparison.Ordinal) == true)
        {
            return null;
        }

        string? native = FaceNames.Scheduler(name, table.Schedulers, schedulers);
        return native is not null && karras && schedulers.Any(s => s.Name == native + "_karras") ? native + "_karras" : native;
    }

    private ModelEntry? Default(JobKind kind, bool ofPicture) => ModelChoice.Default(Able(kind, ofPicture), table.DefaultModel);

    /// <summary>
    /// The models that do a kind. Where none begins clips as asked, all that make clips: the native check then says what is
    /// wrong.
    /// </summary>
    private ModelEntry[] Able(JobKind kind, bool ofPicture)
    {
        ModelEntry[] able = ModelChoice.Able(catalogue, kind);
        ModelEntry[] fitting = KindTable.Of(kind).MakesClips ? [.. able.Where(m => m.ClipsFromPicture == ofPicture)] : able;
        return fitting.Length > 0 ? fitting : able;
    }
}
