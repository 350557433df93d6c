using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>Names of checkpoints, samplers and upscalers as this face's clients have them, found among ours.</summary>
internal static class A1111Names
{
    /// <summary>The catalogue's name of a checkpoint; null for its default.</summary>
    /// <exception cref="UnknownNameException">There is no such checkpoint.</exception>
    public static string? Checkpoint(string name, A1111Table table, IReadOnlyDictionary<string, ModelEntry> catalogue) =>
        WeightFiles.Checkpoint(name, table.Models, table.DefaultModel, catalogue);

    /// <summary>The model that does a kind where the account has chosen no checkpoint; null where none does.</summary>
    public static ModelEntry? Default(JobKind kind, A1111Table table, IReadOnlyDictionary<string, ModelEntry> catalogue) =>
        ModelChoice.Default(ModelChoice.Able(catalogue, kind), table.DefaultModel);

    /// <summary>The native scheduler that a sampler and a schedule are.</summary>
    /// <param name="name">
    /// The sampler, also in the old manner with the schedule's label at its end; null: the face's default, or the model's own.
    /// </param>
    /// <param name="schedule">The schedule's name or label; null: automatic.</param>
    /// <param name="table">The face's table.</param>
    /// <param name="known">The schedulers that workers have registered.</param>
    /// <exception cref="UnknownNameException">There is no such sampler.</exception>
    public static A1111Sampling Sampling(string? name, string? schedule, A1111Table table, IReadOnlyList<SchedulerEntry> known)
    {
        // The web UI's default, where a worker has it
        if (name is null && !known.Any(s => s.Name == table.Samplers.GetValueOrDefault(table.Defaults.Sampler)?.Native))
        {
            return new A1111Sampling(null, "", "Automatic", []);
        }

        name ??= table.Defaults.Sampler;

        var warnings = new List<string>();
        A1111Schedule automatic = table.Schedules.GetValueOrDefault("automatic") ?? new A1111Schedule { Label = "Automatic" };
        A1111Schedule? asked = schedule is null ? automatic : FindSchedule(schedule, table);
        if (asked is null)
        {
            warnings.Add($"scheduler: there is no '{Web.ErrorText.Shown(schedule!)}'; Automatic is taken.");
            asked = automatic;
        }

        if (FindSampler(name, table) is not ({ } title, { } sampler))
        {
            (title, sampler, A1111Schedule? joined) = Split(name, table, known);
            asked = asked == automatic && joined is not null ? joined : asked;
        }

        A1111Schedule shape = asked == automatic ? FindSchedule(sampler.Automatic, table) ?? new A1111Schedule() : asked;
        string? native = new[] { sampler.Native + shape.Suffix, sampler.Native }.FirstOrDefault(n => known.Any(s => s.Name == n));
        if (native is null)
        {
            throw Unknown(name, table, known);
        }

        if (sampler.Nearest)
        {
            warnings.Add($"sampler_name: {title} is not done here; {native} is the nearest and is taken.");
        }

        if (shape.Nearest || (shape.Suffix.Length > 0 && native == sampler.Native))
        {
            warnings.Add($"scheduler: {shape.Label} is not done here with {title}; {native} is taken.");
        }

        return new A1111Sampling(native, title, asked.Label, warnings);
    }

    /// <summary>What a native scheduler is called here, with its schedule; the native name where nothing else is known.</summary>
    public static (string Sampler, string Schedule) SamplerOf(string native, A1111Table table)
    {
        foreach (A1111Schedule schedule in table.Schedules.Values.Where(s => !s.Nearest).OrderByDescending(s => s.Suffix.Length))
        {
            if (
                native.EndsWith(schedule.Suffix, StringComparison.Ordinal)
                && table.Samplers.FirstOrDefault(s => !s.Value.Nearest && s.Value.Native + schedule.Suffix == native) is { Key: { } title }
            )
            {
                return (title, schedule.Suffix.Length > 0 ? schedule.Label : "Automatic");
            }
        }

        return (native, "Automatic");
    }

    /// <summary>The catalogue's name of an upscaler, or null for the default one.</summary>
    /// <exception cref="UnknownNameException">There is no such upscaler.</exception>
    public static string? Upscaler(string name, A1111Table table, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        ModelEntry[] able = ModelChoice.Able(catalogue, JobKind.SuperResolution);
        if (able.FirstOrDefault(m => m.Name == name || m.Name == WeightFiles.Bare(name)) is { } model)
        {
            return model.Name;
        }

        string wanted = FaceNames.Normal(name);
        return table.Upscalers.FirstOrDefault(u => FaceNames.Normal(u.Key) == wanted) is { Key: not null } mapped
            ? mapped.Value.Length > 0
                ? mapped.Value
                : ModelChoice.Default(able, null)?.Name
            : throw new UnknownNameException(name, [.. able.Select(m => m.Name)]);
    }

    private static (string Title, A1111Sampler Sampler)? FindSampler(string name, A1111Table table)
    {
        string wanted = FaceNames.Normal(name);
        foreach ((string title, A1111Sampler sampler) in table.Samplers)
        {
            if (FaceNames.Normal(title) == wanted || sampler.Aliases.Any(a => FaceNames.Normal(a) == wanted))
            {
                return (title, sampler);
            }
        }

        return null;
    }

    private static A1111Schedule? FindSchedule(string name, A1111Table table)
    {
        string wanted = FaceNames.Normal(name);
        return table.Schedules.FirstOrDefault(s => FaceNames.Normal(s.Key) == wanted || FaceNames.Normal(s.Value.Label) == wanted).Value;
    }

    /// <summary>A sampler and a schedule of a name that has both, as "DPM++ 2M Karras", or a native name.</summary>
    private static (string Title, A1111Sampler Sampler, A1111Schedule? Schedule) Split(
        string name,
        A1111Table table,
        IReadOnlyList<SchedulerEntry> known
    )
    {
        foreach (A1111Schedule schedule in table.Schedules.Values)
        {
            string end = " " + schedule.Label;
            if (
                name.EndsWith(end, StringComparison.OrdinalIgnoreCase)
                && FindSampler(name[..^end.Length], table) is ({ } title, { } sampler)
            )
            {
                return (title, sampler, schedule);
            }
        }

        string wanted = FaceNames.Normal(name);
        string native = known.FirstOrDefault(s => FaceNames.Normal(s.Name) == wanted)?.Name ?? throw Unknown(name, table, known);
        return (native, new A1111Sampler { Native = native }, null);
    }

    private static UnknownNameException Unknown(string name, A1111Table table, IReadOnlyList<SchedulerEntry> known) =>
        new(name, [.. table.Samplers.Where(s => known.Any(k => k.Name == s.Value.Native)).Select(s => s.Key)]);
}

/// <summary>How the noise is taken away: what is asked for, and the native scheduler that does it.</summary>
/// <param name="Scheduler">The native name; null: the model's own.</param>
/// <param name="Sampler">The sampler's name; empty where the model's own is taken.</param>
/// <param name="Schedule">The schedule's label.</param>
/// <param name="Warnings">What is not done as it was asked for.</param>
internal sealed record A1111Sampling(string? Scheduler, string Sampler, string Schedule, IReadOnlyList<string> Warnings);
