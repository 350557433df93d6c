using System.Text.Json;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// The files of a whole model: its components by the names of the diffusers layout (unet, vae, text_encoder, ...), each with a config and
/// weights, whether they lie in a folder or in one checkpoint.
/// </summary>
public abstract class ModelFiles
{
    /// <summary>The folder or file, for messages.</summary>
    public abstract string Path { get; }

    /// <summary>The class of the pipeline that the model was published with, for example StableDiffusionPipeline.</summary>
    public abstract string PipelineClass { get; }

    /// <summary>Whether the model has this component.</summary>
    public abstract bool Has(string component);

    /// <summary>The class of a component, for example UNet2DConditionModel.</summary>
    /// <exception cref="WeightsException">The model has no such component.</exception>
    public abstract string ClassOf(string component);

    /// <summary>The text of a component's config.json.</summary>
    /// <exception cref="WeightsException">The component has no config, or it cannot be read.</exception>
    public abstract string Config(string component);

    /// <summary>A component's weights, to be disposed by the caller.</summary>
    /// <exception cref="WeightsException">The component has no weights, or they cannot be read.</exception>
    public abstract WeightSource Weights(string component);

    /// <summary>The config of the model's own scheduler, or of another scheduler component that it has.</summary>
    public abstract SchedulerConfig Scheduler(string component = "scheduler");

    public abstract ClipTokenizer ClipTokenizer(string component);

    /// <summary>The files of a tokenizer; null where it is one of those with the published vocabulary of CLIP.</summary>
    /// <exception cref="WeightsException">The model has no such component.</exception>
    public abstract TokenizerFiles? TokenizerFiles(string component);

    public abstract T5Tokenizer T5Tokenizer(string component);

    /// <summary>A setting of model_index.json that is not a component, for example force_zeros_for_empty_prompt; null if absent.</summary>
    public abstract JsonElement? Setting(string name);

    public bool Flag(string name, bool otherwise) =>
        Setting(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value ? value.GetBoolean() : otherwise;

    /// <summary>A whole number of a component's config, or <paramref name="otherwise"/> where the config does not have it.</summary>
    /// <exception cref="WeightsException">The config is missing, or cannot be read.</exception>
    public int Number(string component, string name, int otherwise) => Numbers(component, name) is [int number, ..] ? number : otherwise;

    /// <summary>
    /// A whole number of a component's config, the largest where it has one for each block; null where the model lacks it.
    /// </summary>
    /// <exception cref="WeightsException">The config cannot be read.</exception>
    public int? NumberOrNull(string component, string name) =>
        Has(component) && Numbers(component, name) is { Count: > 0 } numbers ? numbers.Max() : null;

    private List<int> Numbers(string component, string name)
    {
        try
        {
            JsonElement config = PythonJson.Parse(Config(component));
            var numbers = new List<int>();
            if (config.TryGetProperty(name, out JsonElement value))
            {
                Collect(value, numbers);
            }

            return numbers;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new WeightsException($"{Path}, config of {component}: {e.Message}", e);
        }

        static void Collect(JsonElement value, List<int> numbers)
        {
            if (value.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement inner in value.EnumerateArray())
                {
                    Collect(inner, numbers);
                }
            }
            else if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number))
            {
                numbers.Add(number);
            }
        }
    }

    /// <summary>Opens a folder with a model_index.json, or a checkpoint in one file.</summary>
    /// <exception cref="WeightsException">There is no model at the path; the message says what is wrong.</exception>
    public static ModelFiles Open(string path) =>
        Directory.Exists(path) ? ModelFolder.Open(path)
        : File.Exists(path) ? OneFileModel.Open(path)
        : throw new WeightsException($"{path}: there is no such file or folder.");
}
