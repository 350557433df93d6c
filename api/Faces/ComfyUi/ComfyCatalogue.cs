using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>What there is, by the names that graphs have for it.</summary>
/// <param name="table">The face's table.</param>
/// <param name="models">The models that workers have registered.</param>
/// <param name="schedulers">The schedulers that workers have registered.</param>
internal sealed class ComfyCatalogue(
    ComfyTable table,
    IReadOnlyDictionary<string, ModelEntry> models,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    /// <summary>A list of choices as /object_info shows it.</summary>
    public IReadOnlyList<string> List(string source) =>
        source switch
        {
            "checkpoints" => Sorted(models.Values.Where(WeightFiles.IsCheckpoint).Select(model => WeightFiles.TitleOf(model.Name))),
            "unets" => Sorted(models.Values.Where(IsUnet).Select(model => WeightFiles.TitleOf(model.Name))),
            "loras" => Sorted(models.Values.SelectMany(model => model.Loras).Select(lora => WeightFiles.TitleOf(lora.Name))),
            "vaes" => [.. Sorted(models.Values.SelectMany(model => model.Vaes).Select(v => WeightFiles.TitleOf(v.Name))), .. table.OwnVaes],
            "controlnets" => Sorted(models.Values.SelectMany(model => model.ControlNets).Select(net => WeightFiles.TitleOf(net.Name))),
            "upscalers" => Sorted(ModelChoice.Able(models, JobKind.SuperResolution).Select(model => WeightFiles.TitleOf(model.Name))),
            "embeddings" => Sorted(models.Values.SelectMany(model => model.Embeddings).Select(embedding => embedding.Name)),
            "samplers" => [.. table.Samplers.Where(s => Known(s.Value.Native)).Select(s => s.Key)],
            "schedulers" => [.. table.Schedulers.Keys],
            "encoders" => table.Encoders,
            _ => [],
        };

    /// <summary>The list of which an input must be one; null where this name will do.</summary>
    public IReadOnlyList<string>? WhyNot(string source, string name)
    {
        bool isKnown = source switch
        {
            "checkpoints" or "unets" => Model(name) is not null,
            "loras" => Lora(name) is not null,
            "vaes" => IsVae(name),
            "controlnets" => models.Values.Any(model => Net(model, name) is not null),
            "upscalers" => Upscaler(name) is not null,
            "samplers" => table.Samplers.TryGetValue(name, out ComfySampler? sampler) && Known(sampler.Native),
            "schedulers" => table.Schedulers.ContainsKey(name),
            // The model's own are taken; pictures are looked for where they are used
            _ => true,
        };
        return isKnown ? null : List(source);
    }

    /// <summary>The model that a checkpoint's file is; null where there is none.</summary>
    public ModelEntry? Model(string name)
    {
        try
        {
            return WeightFiles.Checkpoint(name, table.Models, table.DefaultModel, models) is { } known
                ? models.GetValueOrDefault(known)
                : ModelChoice.Default(ModelChoice.Able(models, JobKind.Text2Img), table.DefaultModel);
        }
        catch (UnknownNameException)
        {
            return null;
        }
    }

    /// <summary>The name of a LoRA; null where there is none.</summary>
    public string? Lora(string name) => Find(models.Values.SelectMany(model => model.Loras).Select(lora => lora.Name), name);

    /// <summary>The model's autoencoder of this name; null for its own.</summary>
    public static string? Vae(ModelEntry model, string name) => Find(model.Vaes.Select(vae => vae.Name), name);

    /// <summary>The upscaler that a file is; null where there is none.</summary>
    public ModelEntry? Upscaler(string name)
    {
        ModelEntry[] able = ModelChoice.Able(models, JobKind.SuperResolution);
        string? mapped = Find(able.Select(model => model.Name), name);
        if (
            mapped is null
            && table.Upscalers.FirstOrDefault(u => u.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Key: not null } known
        )
        {
            mapped = known.Value.Length > 0 ? known.Value : ModelChoice.Default(able, null)?.Name;
        }

        return able.FirstOrDefault(model => model.Name == mapped);
    }

    /// <summary>
    /// The control network of a model that a file is: by its name, or by what its name says of its control pictures. Null where there is
    /// none.
    /// </summary>
    public ControlNetEntry? Net(ModelEntry model, string name)
    {
        if (Find(model.ControlNets.Select(net => net.Name), name) is { } found)
        {
            return model.ControlNets.First(net => net.Name == found);
        }

        string words = name.ToLowerInvariant();
        string[] types = [.. table.ControlTypes.Where(t => words.Contains(t.Key, StringComparison.Ordinal)).Select(t => t.Value)];
        return model.ControlNets.FirstOrDefault(net => types.Contains(net.Type));
    }

    /// <summary>The native scheduler that a sampler with a scheduler is; null where there is none.</summary>
    public string? Scheduler(string sampler, string scheduler)
    {
        string native = table.Samplers.GetValueOrDefault(sampler)?.Native ?? "";
        string shaped = native + table.Schedulers.GetValueOrDefault(scheduler)?.Suffix;
        return Known(shaped) ? shaped
            : Known(native) ? native
            : null;
    }

    /// <summary>Whether a model is guided by FluxGuidance, and needs no negative prompt.</summary>
    public bool IsDistilled(ModelEntry model) => table.DistilledFamilies.Contains(model.Family);

    private bool IsUnet(ModelEntry model) => WeightFiles.IsCheckpoint(model) && IsDistilled(model);

    private bool IsVae(string name) =>
        table.OwnVaes.Contains(name, StringComparer.OrdinalIgnoreCase)
        || Find(models.Values.SelectMany(model => model.Vaes).Select(vae => vae.Name), name) is not null;

    private bool Known(string native) => schedulers.Any(scheduler => scheduler.Name == native);

    private static string? Find(IEnumerable<string> names, string name)
    {
        string bare = WeightFiles.Bare(name);
        return names.FirstOrDefault(known =>
            known.Equals(bare, StringComparison.OrdinalIgnoreCase) || known.Equals(name, StringComparison.OrdinalIgnoreCase)
        );
    }

    private static string[] Sorted(IEnumerable<string> names) => [.. names.Distinct().Order(StringComparer.Ordinal)];
}
