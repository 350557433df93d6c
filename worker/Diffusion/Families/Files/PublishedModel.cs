using System.Text.Json.Nodes;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// What cannot be read off a checkpoint's tensors: the configs of a published model's parts. Sources: the config.json files of the
/// models named, as published in the diffusers layout.
/// </summary>
public sealed record PublishedModel
{
    /// <summary>Short name, as catalogue entries have it: sd15, sd21, sdxl, ...</summary>
    public required string Name { get; init; }

    /// <summary>Class of the diffusers pipeline that the model was published with.</summary>
    public required string PipelineClass { get; init; }

    /// <summary>Configs by component: unet or transformer, vae, text_encoder, ..., scheduler.</summary>
    public required IReadOnlyDictionary<string, JsonObject> Configs { get; init; }

    /// <summary>Pipeline settings that model_index.json has.</summary>
    public IReadOnlyDictionary<string, bool> Settings { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);

    /// <summary>Its tokenizers that pad with "!", as OpenCLIP does, and not with their end mark, as CLIP does.</summary>
    public IReadOnlyList<string> OpenClipTokenizers { get; init; } = ["tokenizer_2"];

    /// <summary>Whether the same keys and shapes were published predicting noise and predicting velocities; see TrainedPrediction.</summary>
    public bool HasTwoPredictions { get; init; }

    /// <summary>Features of a prompt's token that the network takes, by which adapters are told; null where they are told by their keys.</summary>
    public long? PromptFeatures => Configs.GetValueOrDefault("unet")?["cross_attention_dim"]?.GetValue<int>();

    /// <summary>
    /// How trainers call it in their files, as beginnings of names: in modelspec.architecture and kohya's ss_base_model_version.
    /// </summary>
    public IReadOnlyList<string> TrainerNames { get; init; } = [];

    /// <summary>Whether a trainer's name for a model means this one.</summary>
    public bool IsCalled(string? architecture) =>
        architecture is not null && TrainerNames.Any(name => architecture.StartsWith(name, StringComparison.OrdinalIgnoreCase));
}
