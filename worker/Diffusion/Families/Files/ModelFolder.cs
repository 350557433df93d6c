using System.Text.Json;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;

namespace Generation.Diffusion.Families.Files;

/// <summary>A model in the diffusers folder layout: model_index.json names the components, each has a folder of its own.</summary>
public sealed class ModelFolder : ModelFiles
{
    private readonly JsonElement _index;

    private ModelFolder(string path, JsonElement index)
    {
        Path = path;
        _index = index;
    }

    public override string Path { get; }

    public override string PipelineClass => Setting("_class_name") is { ValueKind: JsonValueKind.String } name ? name.GetString()! : "";

    /// <summary>Reads model_index.json.</summary>
    /// <exception cref="WeightsException">The file is missing, or is not a JSON object.</exception>
    public static new ModelFolder Open(string path)
    {
        string index = System.IO.Path.Combine(path, "model_index.json");
        if (!System.IO.File.Exists(index))
        {
            throw new WeightsException($"{path}: is no model in the diffusers layout, it has no model_index.json.");
        }

        JsonElement root = JsonFile.Read(index);
        return root.ValueKind == JsonValueKind.Object
            ? new ModelFolder(path, root)
            : throw new WeightsException($"{index}: is not a JSON object.");
    }

    public override bool Has(string component) => ClassOrNull(component) is not null;

    public override string ClassOf(string component) =>
        ClassOrNull(component) ?? throw new WeightsException($"{Path}: has no {component}, its model_index.json names none.");

    public override string Config(string component)
    {
        string path = File(component, "config.json");
        try
        {
            return System.IO.File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    public override WeightSource Weights(string component)
    {
        ClassOf(component);
        return WeightSource.Open(System.IO.Path.Combine(Path, component));
    }

    public override SchedulerConfig Scheduler(string component = "scheduler") =>
        SchedulerConfig.Load(File(component, "scheduler_config.json"));

    public override ClipTokenizer ClipTokenizer(string component) => Tokenizers.ClipTokenizer.Load(TokenizerFiles(component));

    public override T5Tokenizer T5Tokenizer(string component) => Tokenizers.T5Tokenizer.Load(TokenizerFiles(component));

    public override TokenizerFiles TokenizerFiles(string component)
    {
        ClassOf(component);
        return Tokenizers.TokenizerFiles.Read(System.IO.Path.Combine(Path, component));
    }

    public override JsonElement? Setting(string name) => _index.TryGetProperty(name, out JsonElement value) ? value : null;

    private string File(string component, string name)
    {
        ClassOf(component);
        return System.IO.Path.Combine(Path, component, name);
    }

    // "unet": ["diffusers", "UNet2DConditionModel"]; an absent component is [null, null]
    private string? ClassOrNull(string component) =>
        Setting(component) is { ValueKind: JsonValueKind.Array } pair
        && pair.GetArrayLength() == 2
        && pair[1].ValueKind == JsonValueKind.String
            ? pair[1].GetString()
            : null;
}
