using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.Stablecog;

/// <summary>
/// Models and schedulers under the service's ids: the public ones, and for what else the catalogue has, ids made of the names.
/// </summary>
internal sealed class StablecogNames(
    StablecogTable table,
    IReadOnlyDictionary<string, ModelEntry> catalogue,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    private const string Family = "family:";

    /// <summary>The models that generate, each with its id and name: the default first.</summary>
    public IReadOnlyList<(Guid Id, string Name, ModelEntry Model)> Models => [.. List(JobKind.Text2Img, table.Models)];

    /// <summary>The models that enlarge.</summary>
    public IReadOnlyList<(Guid Id, string Name, ModelEntry Model)> Upscalers => [.. List(JobKind.SuperResolution, table.Upscalers)];

    /// <summary>The schedulers that workers have.</summary>
    public IReadOnlyList<StablecogScheduler> Schedulers =>
        [.. table.Schedulers.Where(s => schedulers.Any(known => known.Name == s.Scheduler))];

    /// <summary>The model of an id, public ones that the catalogue does not have by the default; null: the id is unknown.</summary>
    public ModelEntry? Model(Guid id, JobKind kind)
    {
        List<StablecogModel> known = kind == JobKind.SuperResolution ? table.Upscalers : table.Models;
        return known.FirstOrDefault(m => m.Id == id) is { } entry
            ? Own(entry, kind) ?? Default(kind)
            : Able(kind).FirstOrDefault(m => StablecogIds.Of("model", m.Name) == id);
    }

    /// <summary>The id of a model: its public one where it has one.</summary>
    public Guid IdOf(string model, JobKind kind) =>
        List(kind, kind == JobKind.SuperResolution ? table.Upscalers : table.Models).FirstOrDefault(m => m.Model.Name == model)
            is { Model: not null } known
            ? known.Id
            : StablecogIds.Of("model", model);

    /// <summary>The native name of a scheduler; null: the model's own.</summary>
    public string? Scheduler(Guid id, ModelEntry? model)
    {
        // Flow models have schedulers of their own
        if (model?.DefaultScheduler.StartsWith("flow_", StringComparison.Ordinal) == true)
        {
            return null;
        }

        return Schedulers.FirstOrDefault(s => s.Id == id)?.Scheduler;
    }

    /// <summary>The scheduler that a request gets: the one asked for, or the default where there is none of that id.</summary>
    public Guid SchedulerOrDefault(Guid? id) =>
        id is { } given && Schedulers.Any(s => s.Id == given) ? given
        : Schedulers.Any(s => s.Id == table.DefaultScheduler) || Schedulers.Count == 0 ? table.DefaultScheduler
        : Schedulers[0].Id;

    public Guid IdOfScheduler(string native) =>
        table.Schedulers.FirstOrDefault(s => s.Scheduler == native)?.Id ?? StablecogIds.Of("scheduler", native);

    /// <summary>The default model of a kind of work; null: no model does it.</summary>
    public ModelEntry? Default(JobKind kind) => ModelChoice.Default(Able(kind), table.DefaultModel);

    private IEnumerable<(Guid Id, string Name, ModelEntry Model)> List(JobKind kind, List<StablecogModel> known)
    {
        ModelEntry? first = Default(kind);
        foreach (ModelEntry model in Able(kind).OrderBy(m => m != first))
        {
            yield return known.FirstOrDefault(m => Own(m, kind) == model) is { } entry
                ? (entry.Id, entry.Name, model)
                : (StablecogIds.Of("model", model.Name), model.Name, model);
        }
    }

    /// <summary>The model that the table gives an id; null if the catalogue has none such.</summary>
    private ModelEntry? Own(StablecogModel entry, JobKind kind) =>
        entry.Model switch
        {
            "" => Default(kind),
            var name when name.StartsWith(Family, StringComparison.Ordinal) => Able(kind)
                .FirstOrDefault(m => m.Family == name[Family.Length..]),
            var name => Able(kind).FirstOrDefault(m => m.Name == name),
        };

    private ModelEntry[] Able(JobKind kind) => ModelChoice.Able(catalogue, kind);
}
