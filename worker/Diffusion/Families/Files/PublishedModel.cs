using System.Text.Json.Nodes;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// What cannot be read from a checkpoint's tensors: the configs of a published model's components. Sources: the config.json files of these
/// models, as published in the diffusers layout.
/// </summary>
public sealed record PublishedModel
{
    /// <summary>The short name, as catalogue entries have it: sd15, sd21, sdxl, ...</summary>
    public required string Name { get; init; }

    /// <summary>The class of the diffusers pipeline that the model was published with.</summary>
    public required string PipelineClass { get; init; }

    /// <summary>Configs by component: unet or transformer, vae, text_encoder, ..., scheduler.</summary>
    public required IReadOnlyDictionary<string, JsonObject> Configs { get; init; }

    /// <summary>The pipeline settings in model_index.json.</summary>
    public IReadOnlyDictionary<string, bool> Settings { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);

    /// <summary>The model's tokenizers that pad with "!", as OpenCLIP does, and not with the end-of-text token, as CLIP does.</summary>
    public IReadOnlyList<string> OpenClipTokenizers { get; init; } = ["tokenizer_2"];

    /// <summary>
    /// Whether models with the same keys and shapes were published both for predicting noise and for predicting velocities; see
    /// TrainedPrediction.
    /// </summary>
    public bool HasTwoPredictions { get; init; }

    /// <summary>
    /// The number of features that the network takes per token of the prompt, by which adapters are recognised; null where they are
    /// recognised by their keys.
    /// </summary>
    public long? PromptFeatures => Configs.GetValueOrDefault("unet")?["cross_attention_dim"]?.GetValue<int>();

    /// <summary>
    /// How trainers call it in their files, as beginnings of names: in modelspec.architecture and kohya's ss_base_model_version.
    /// </summary>
    public IReadOnlyList<string> TrainerNames { get; init; } = [];

    /// <summary>Whether a trainer's name for a model means this one.</summary>
    public bool IsCalled(string? architecture) =>
        architecture is not null && TrainerNames.Any(name => architecture.StartsWith(name, StringComparison.OrdinalIgnoreCase));
}
