using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Diffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Upscalers;
using Generation.Diffusion.Vision;

namespace Generation.Worker.Models;

/// <summary>A model in memory with what follows it. One computation at a time uses each of its networks.</summary>
internal sealed class LoadedModel(ModelEntry entry, long bytes) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IDisposable>> _parts = new(StringComparer.Ordinal);

    public ModelEntry Entry { get; } = entry;

    /// <summary>The networks of the Stable Diffusion family that draw pictures.</summary>
    /// <exception cref="SettingException">It has none: it is of another family, only enlarges, or makes clips.</exception>
    public LatentDiffusionModel Model =>
        Pictures ?? throw new SettingException("model", $"is {Entry.Name} of the family {Entry.Family}, with which this cannot be done.");

    /// <summary>What draws pictures; null where it is of another family, only enlarges, or is in memory for clips.</summary>
    public LatentDiffusionModel? Pictures { get; init; }

    /// <summary>The networks of the FLUX family, if it is of that.</summary>
    public FluxModel? Flux { get; init; }

    /// <summary>What makes its pictures larger, if its entry names one.</summary>
    public Upscaler? Upscaler { get; init; }

    /// <summary>The networks of an entry that only enlarges.</summary>
    public UpscalerSet? Upscalers { get; init; }

    /// <summary>A diffusion upscaler's way, over the same networks.</summary>
    public StableDiffusionUpscalePipeline? DiffusionUpscaler { get; init; }

    /// <summary>Words to clips, where its entry names a motion adapter.</summary>
    public AnimateDiffPipeline? TextToVideo { get; init; }

    /// <summary>The scheduler of <see cref="TextToVideo"/>, with what its entry says of it.</summary>
    public SchedulerConfig? MotionScheduler { get; init; }

    /// <summary>A picture to clips.</summary>
    public StableVideoDiffusionPipeline? ImageToVideo { get; init; }

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

    /// <summary>The scheduler that a request means by naming none.</summary>
    public SchedulerConfig Scheduler => Flux?.Scheduler ?? Model.Scheduler;

    /// <summary>The weights that adapters may change.</summary>
    public IReadOnlyDictionary<string, ParameterStore> Adaptable => Flux?.Adaptable ?? Model.Adaptable;

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
        Pictures?.Dispose();
        Upscaler?.Dispose();
        Upscalers?.Dispose();
        TextToVideo?.Dispose();
        ImageToVideo?.Dispose();
        Safety?.Dispose();
        MaskFinder?.Dispose();
        Flux?.Dispose();
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
