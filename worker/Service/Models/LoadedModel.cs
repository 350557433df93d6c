using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Vision;

namespace Generation.Service.Models;

/// <summary>A model in memory, with the networks that belong to it. Each network is used by one computation at a time.</summary>
internal sealed class LoadedModel(ModelEntry entry, long bytes) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IDisposable>> _parts = new(StringComparer.Ordinal);

    public ModelEntry Entry { get; } = entry;

    /// <summary>The model, of any family.</summary>
    /// <exception cref="SettingException">There is none: the entry only enlarges pictures, by networks that need no steps.</exception>
    public DiffusionModel Model =>
        Diffusion ?? throw new SettingException("model", $"is {Entry.Name}, which only enlarges pictures: this cannot be done with it.");

    /// <summary>The model; null where the entry only enlarges pictures.</summary>
    public DiffusionModel? Diffusion { get; init; }

    /// <summary>The network that enlarges the model's pictures, if its entry names one.</summary>
    public Upscaler? Upscaler { get; init; }

    /// <summary>The networks of an entry that only enlarges pictures.</summary>
    public UpscalerSet? Upscalers { get; init; }

    /// <summary>The safety checker of the model's outputs, if its entry names one.</summary>
    public ModelPart<SafetyClassifier>? Safety { get; init; }

    /// <summary>The network that finds masks from a text, if the model's entry names one.</summary>
    public ModelPart<MaskFinder>? MaskFinder { get; init; }

    /// <summary>Textual inversion embeddings that prompts may name.</summary>
    public IReadOnlyList<TextualInversion> Embeddings { get; init; } = [];

    /// <summary>The size of the weights in memory, in bytes.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Held by whoever encodes prompts.</summary>
    public SemaphoreSlim EncodeTurn { get; } = new(1);

    /// <summary>Held by whoever denoises and decodes. Whoever needs both turns takes this one first.</summary>
    public SemaphoreSlim LoopTurn { get; } = new(1);

    /// <summary>The scheduler of requests that name none: the model's own, or what its entry says for clips.</summary>
    public SchedulerConfig Scheduler => EntryScheduler ?? Model.Scheduler;

    /// <summary>The model's scheduler with the settings of its entry; null where the entry has none.</summary>
    public SchedulerConfig? EntryScheduler { private get; init; }

    /// <summary>Returns a network that not every job needs. It is loaded at the first call, and kept as long as the model is.</summary>
    /// <param name="name">The part's name, which no other part of the model has.</param>
    public T Part<T>(string name, Func<T> load)
        where T : IDisposable
    {
        Lazy<IDisposable> part = _parts.GetOrAdd(name, _ => new Lazy<IDisposable>(() => load()));
        try
        {
            return (T)part.Value;
        }
        catch
        {
            // The next job tries again
            _parts.TryRemove(KeyValuePair.Create(name, part));
            throw;
        }
    }

    public void Dispose()
    {
        Diffusion?.Dispose();
        Upscaler?.Dispose();
        Upscalers?.Dispose();
        Safety?.Dispose();
        MaskFinder?.Dispose();
        foreach (TextualInversion embedding in Embeddings)
        {
            embedding.Dispose();
        }

        foreach (Lazy<IDisposable> part in _parts.Values)
        {
            if (part.IsValueCreated)
            {
                part.Value.Dispose();
            }
        }

        EncodeTurn.Dispose();
        LoopTurn.Dispose();
    }
}

/// <summary>A part of a model that is loaded when the first job needs it. A load that failed is tried again by the next.</summary>
internal sealed class ModelPart<T>(Func<T> load) : IDisposable
    where T : class, IDisposable
{
    private readonly Lock _lock = new();
    private T? _loaded;

    /// <summary>Returns the part, and loads it if it is not loaded yet.</summary>
    /// <exception cref="Diffusion.Weights.WeightsException">The part's files are missing, or do not fit.</exception>
    public T Get()
    {
        lock (_lock)
        {
            return _loaded ??= load();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _loaded?.Dispose();
            _loaded = null;
        }
    }
}
