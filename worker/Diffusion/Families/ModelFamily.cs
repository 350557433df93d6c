using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families;

/// <summary>
/// A family of models: how its files are recognised, how they become a model in memory, and what cannot be read from them. A new family is
/// a folder beside this file with a subclass, registered in <see cref="ModelFamilies"/>; nothing else names it.
/// </summary>
public abstract class ModelFamily
{
    /// <summary>The family's published models, which give the configs that a checkpoint in one file does not contain.</summary>
    public virtual IReadOnlyList<PublishedModel> Published => [];

    /// <summary>The floating-point type that the family's models are published in, which takes the least memory without loss.</summary>
    public virtual ScalarType PublishedDtype => ScalarType.Float32;

    /// <summary>The richest prompt syntax that the model's text encoders allow.</summary>
    public virtual PromptSyntax PromptSyntax => PromptSyntax.Weighted;

    /// <summary>Whether the files are a model of this family.</summary>
    public abstract bool Knows(ModelSource source);

    /// <summary>Loads a model. The caller disposes it.</summary>
    /// <param name="dtype">The number type that the networks compute in.</param>
    /// <param name="device">The device to load onto; null is the CPU.</param>
    /// <exception cref="WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public abstract DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null);

    /// <summary>The family's components in a checkpoint in one file under its authors' key names.</summary>
    internal virtual IEnumerable<CheckpointPart> FindParts(WeightSource source) => [];

    /// <summary>The published model that keys and shapes belong to; null if it is none of this family.</summary>
    /// <param name="parts">The components that all families found, by name.</param>
    internal virtual PublishedModel? Recognize(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts) => null;

    /// <summary>
    /// Whether the network takes the mask as an input when it paints inside one: then it takes more channels than the latents of one
    /// picture have.
    /// </summary>
    /// <exception cref="WeightsException">A config is missing, or cannot be read.</exception>
    public virtual bool SeesMask(ModelFiles files) => false;

    /// <summary>Reads the sizes of a model's networks, from which it follows whether an adapter fits the model.</summary>
    /// <exception cref="WeightsException">A config is missing, or cannot be read.</exception>
    public virtual AdapterWidths Widths(ModelFiles files) => new();

    /// <summary>The text encoders that read a model's prompts, in the order of their places.</summary>
    /// <exception cref="WeightsException">A config is missing, or cannot be read.</exception>
    public virtual IReadOnlyList<TextEncoderFiles> TextEncoders(ModelFiles files) =>
        [
            .. new[] { ("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2") }
                .Where(pair => files.Has(pair.Item1) && files.Has(pair.Item2))
                .Select(pair => TextEncoderFiles.Clip(files, pair.Item1, pair.Item2)),
        ];

    /// <summary>
    /// The short name of this family, if a LoRA's marks show it by more than the sizes of a published model; otherwise null.
    /// </summary>
    public virtual string? NameOf(LoraMarks lora) => null;

    /// <summary>The models that a textual inversion of this family fits; null where its keys are not of this family.</summary>
    public virtual AdapterFit? FitOfEmbedding(SafetensorsFile file) => null;
}

/// <summary>The models that an adapter was trained for.</summary>
/// <param name="Family">
/// The short name of the family or, where no published model has such sizes, a description of them, for people.
/// </param>
/// <param name="Fits">Whether the adapter may be for a model of these sizes.</param>
/// <param name="Vectors">The number of places that an embedding takes in a prompt; null for LoRAs.</param>
public sealed record AdapterFit(string Family, Func<AdapterWidths, bool> Fits, int? Vectors = null);

/// <summary>A text encoder in a model's files, as far as prompts are counted by it.</summary>
/// <param name="Component">Its component's name.</param>
/// <param name="IsT5">Whether it reads T5's tokens; otherwise CLIP's.</param>
/// <param name="Positions">The number of tokens that it takes at once, with the begin and end tokens.</param>
/// <param name="Tokenizer">The files of its tokenizer; null for the published vocabulary of CLIP.</param>
public sealed record TextEncoderFiles(string Component, bool IsT5, int Positions, TokenizerFiles? Tokenizer)
{
    /// <summary>Reads what the configs say of a CLIP text encoder.</summary>
    /// <exception cref="WeightsException">A config is missing, or cannot be read.</exception>
    public static TextEncoderFiles Clip(ModelFiles files, string component, string tokenizer) =>
        new(
            component,
            IsT5: false,
            files.Number(component, "max_position_embeddings", ClipTokenizer.DefaultMaxLength),
            files.TokenizerFiles(tokenizer)
        );
}

/// <summary>The files that a model is loaded from.</summary>
/// <param name="Files">The model's folder or checkpoint.</param>
public sealed record ModelSource(ModelFiles Files)
{
    /// <summary>The folder of a motion adapter with which a model of pictures makes clips; null for none.</summary>
    public string? MotionAdapter { get; init; }
}
