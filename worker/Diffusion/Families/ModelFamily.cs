using Generation.Diffusion.Adapters;
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

    /// <summary>The richest way of reading prompts that its text encoders allow.</summary>
    public virtual PromptSyntax PromptSyntax => PromptSyntax.Weighted;

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

    /// <summary>Sizes of a model's networks, by which adapters are told to fit it.</summary>
    /// <exception cref="WeightsException">A config is not there, or cannot be read.</exception>
    public virtual AdapterWidths Widths(ModelFiles files) => new();

    /// <summary>Short name of this family, where a LoRA's marks tell of it by more than a published model's sizes; else null.</summary>
    public virtual string? NameOf(LoraMarks lora) => null;

    /// <summary>What a textual inversion of this family fits; null where its keys do not tell of the family.</summary>
    public virtual AdapterFit? FitOfEmbedding(SafetensorsFile file) => null;
}

/// <summary>Sizes of a model's networks, by which adapters are told to fit it. What the model has not is null, and no adapter for it fits.</summary>
public sealed record AdapterWidths
{
    /// <summary>unet or transformer.</summary>
    public string? Denoiser { get; init; }

    /// <summary>Features of each token of the prompt that the denoiser's cross attention looks at.</summary>
    public long? Context { get; init; }

    /// <summary>Transformer blocks of the UNet's deepest attention.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Features of the first text encoder's tokens.</summary>
    public long? Text { get; init; }

    /// <summary>Features of the second text encoder's tokens.</summary>
    public long? Text2 { get; init; }

    /// <summary>Features of a token by which textual inversions are told to fit: of all text encoders together.</summary>
    public long? Embedding { get; init; }
}

/// <summary>What an adapter was trained for.</summary>
/// <param name="Family">For people: the short name of the family, or, where no published model has such sizes, what is known.</param>
/// <param name="Fits">Whether nothing that is known of it speaks against a model of these sizes.</param>
public sealed record AdapterFit(string Family, Func<AdapterWidths, bool> Fits);
