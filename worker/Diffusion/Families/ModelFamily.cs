using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families;

/// <summary>
/// A family of models: how its files are told from others', how they become a model in memory, and what cannot be read off them. A new
/// family is a folder beside this file with a subclass, registered in <see cref="ModelFamilies"/>; nothing else names it.
/// </summary>
public abstract class ModelFamily
{
    /// <summary>The family's published models, whose configs a checkpoint in one file does not carry.</summary>
    public virtual IReadOnlyList<PublishedModel> Published => [];

    /// <summary>The floating-point type that its models are published in, which takes the least memory without loss.</summary>
    public virtual ScalarType PublishedDtype => ScalarType.Float32;

    /// <summary>Whether the files are a model of this family.</summary>
    public abstract bool Knows(ModelSource source);

    /// <summary>Loads a model. The caller disposes it.</summary>
    /// <param name="dtype">Type that the networks compute in.</param>
    /// <param name="device">Null is the CPU.</param>
    /// <exception cref="WeightsException">A part is missing or does not fit; the message names file and keys.</exception>
    public abstract DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null);

    /// <summary>The family's parts of a checkpoint in one file under its authors' key names.</summary>
    internal virtual IEnumerable<CheckpointPart> FindParts(WeightSource source) => [];

    /// <summary>The published model that keys and shapes tell of; null if it is none of this family.</summary>
    /// <param name="parts">What all families found, by component.</param>
    internal virtual PublishedModel? Recognize(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts) => null;

    /// <summary>Whether its network is told of the mask when it paints inside one: it takes more than the latents of one picture.</summary>
    /// <exception cref="WeightsException">A config is not there, or cannot be read.</exception>
    public virtual bool SeesMask(ModelFiles files) => false;

    /// <summary>Widths of prompt features, by which adapters are told to fit a model.</summary>
    /// <exception cref="WeightsException">A config is not there, or cannot be read.</exception>
    public virtual AdapterWidths Widths(ModelFiles files) => new(-1, -1);

    /// <summary>What a LoRA of this family fits; null where its keys do not tell of the family.</summary>
    public virtual AdapterFit? FitOfLora(SafetensorsFile file) => null;

    /// <summary>What a textual inversion of this family fits; null where its keys do not tell of the family.</summary>
    public virtual AdapterFit? FitOfEmbedding(SafetensorsFile file) => null;
}

/// <summary>Widths of prompt features, in numbers for each token; -1: adapters of that kind cannot be told to fit.</summary>
/// <param name="Lora">What the network's attention to the prompt takes; 0 where LoRAs are told by their keys.</param>
/// <param name="Embedding">Of the first text encoder's tokens.</param>
public sealed record AdapterWidths(long Lora, long Embedding);

/// <summary>What an adapter was trained for.</summary>
/// <param name="Features">Width of the prompt features that it changes or adds to; 0 where its keys alone tell.</param>
/// <param name="Family">Short name of the family, or, where no published model has that width, what is known: of 512 features.</param>
public sealed record AdapterFit(long Features, string Family);

/// <summary>What a model is loaded from.</summary>
/// <param name="Files">Its folder or its checkpoint.</param>
public sealed record ModelSource(ModelFiles Files)
{
    /// <summary>Folder of a motion adapter with which a model of pictures makes clips; null: none.</summary>
    public string? MotionAdapter { get; init; }
}
