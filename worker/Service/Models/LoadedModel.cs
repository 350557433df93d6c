using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Upscalers;
using Generation.Diffusion.Vision;

namespace Generation.Worker.Models;

/// <summary>A model in memory with what follows it. One computation at a time uses each of its networks.</summary>
internal sealed class LoadedModel(ModelEntry entry, long bytes) : IDisposable
{
    private StableDiffusionPipeline? _textToImage;

    public ModelEntry Entry { get; } = entry;

    /// <summary>The networks that draw pictures.</summary>
    /// <exception cref="SettingException">It has none: it only enlarges, or makes clips.</exception>
    public LatentDiffusionModel Model => Pictures ?? throw new SettingException("model", $"is {Entry.Name}, which does not draw pictures.");

    public StableDiffusionPipeline TextToImage => _textToImage ??= new StableDiffusionPipeline(Model);

    /// <summary>What draws pictures; null where it only enlarges, or is in memory for clips.</summary>
    public LatentDiffusionModel? Pictures { get; init; }

    /// <summary>What makes its pictures larger, if its entry names one.</summary>
    public Upscaler? Upscaler { get; init; }

    /// <summary>The networks of an entry that only enlarges.</summary>
    public UpscalerSet? Upscalers { get; init; }

    /// <summary>A diffusion upscaler's way, over the same networks.</summary>
    public StableDiffusionUpscalePipeline? DiffusionUpscaler { get; init; }

    /// <summary>Words to clips, where its entry names a motion adapter.</summary>
    public AnimateDiffPipeline? TextToVideo { get; init; }

    /// <summary>A picture to clips.</summary>
    public StableVideoDiffusionPipeline? ImageToVideo { get; init; }

    /// <summary>What looks at its outputs, if its entry names one.</summary>
    public ModelPart<SafetyClassifier>? Safety { get; init; }

    /// <summary>What finds masks from words, if its entry names one.</summary>
    public ModelPart<MaskFinder>? MaskFinder { get; init; }

    /// <summary>Bytes of its weights in memory.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Held by who encodes words.</summary>
    public SemaphoreSlim EncodeTurn { get; } = new(1);

    /// <summary>Held by who denoises and decodes.</summary>
    public SemaphoreSlim LoopTurn { get; } = new(1);

    public void Dispose()
    {
        Pictures?.Dispose();
        Upscaler?.Dispose();
        Upscalers?.Dispose();
        TextToVideo?.Dispose();
        ImageToVideo?.Dispose();
        Safety?.Dispose();
        MaskFinder?.Dispose();
        EncodeTurn.Dispose();
        LoopTurn.Dispose();
    }
}
