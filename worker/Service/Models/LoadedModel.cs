using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Vision;

namespace Generation.Service.Models;

/// <summary>A model in memory with what follows it. One computation at a time uses each of its networks.</summary>
internal sealed class LoadedModel(ModelEntry entry, long bytes) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IDisposable>> _parts = new(StringComparer.Ordinal);

    public ModelEntry Entry { get; } = entry;

    /// <summary>The model, of whichever family.</summary>
    /// <exception cref="SettingException">There is none: the entry only enlarges, by networks that need no steps.</exception>
    public DiffusionModel Model =>
        Diffusion ?? throw new SettingException("model", $"is {Entry.Name}, which only enlarges pictures: this cannot be done with it.");

    /// <summary>The model; null where the entry only enlarges.</summary>
    public DiffusionModel? Diffusion { get; init; }

    /// <summary>What makes its pictures larger, if its entry names one.</summary>
    public Upscaler? Upscaler { get; init; }

    /// <summary>The networks of an entry that only enlarges.</summary>
    public UpscalerSet? Upscalers { get; init; }

    /// <summary>What looks at its outputs, if its entry names one.</summary>
    public ModelPart<SafetyClassifier>? Safety { get; init; }

    /// <summary>What finds masks from words, if its entry names one.</summary>
    public ModelPart<MaskFinder>? MaskFinder { get; init; }

    /// <summary>Textual inversions that its prompts may name.</summary>
    public IReadOnlyList<TextualInversion> Embeddings { get; init; } = [];

    /// <summary>Bytes of its weights in memory.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Held by who encodes words.</summary>
    public SemaphoreSlim EncodeTurn { get; } = new(1);

    /// <summary>Held by who denoises and decodes. Who needs both turns at once takes this one first.</summary>
    public SemaphoreSlim LoopTurn { get; } = new(1);

    /// <summary>The scheduler that a request means by naming none: the model's own, with what its entry says of clips.</summary>
    public SchedulerConfig Scheduler => EntryScheduler ?? Model.Scheduler;

    /// <summary>The scheduler with the settings that the entry lays over the model's own; null: none.</summary>
    public SchedulerConfig? EntryScheduler { private get; init; }

    /// <summary>A part that not every job needs: loaded when first asked for, and kept as long as the model is.</summary>
    /// <param name="name">One for each part.</param>
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

    /// <summary>The part, loaded.</summary>
    /// <exception cref="Diffusion.Weights.WeightsException">It is missing or does not fit.</exception>
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
