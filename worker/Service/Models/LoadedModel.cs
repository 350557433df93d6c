using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Upscalers;

namespace Generation.Worker.Models;

/// <summary>A model in memory with what follows it. One computation at a time uses each of its networks.</summary>
internal sealed class LoadedModel(ModelEntry entry, LatentDiffusionModel model, Upscaler? upscaler, long bytes) : IDisposable
{
    public ModelEntry Entry { get; } = entry;

    public LatentDiffusionModel Model { get; } = model;

    public StableDiffusionPipeline TextToImage { get; } = new(model);

    /// <summary>What makes its pictures larger, if its entry names one.</summary>
    public Upscaler? Upscaler { get; } = upscaler;

    /// <summary>Bytes of its weights in memory.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Held by who encodes words.</summary>
    public SemaphoreSlim EncodeTurn { get; } = new(1);

    /// <summary>Held by who denoises and decodes.</summary>
    public SemaphoreSlim LoopTurn { get; } = new(1);

    public void Dispose()
    {
        Model.Dispose();
        Upscaler?.Dispose();
        EncodeTurn.Dispose();
        LoopTurn.Dispose();
    }
}
