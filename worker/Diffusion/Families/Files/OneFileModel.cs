using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// A model in one checkpoint under the original key names: Stable Diffusion 1.x, 2.x, XL and its refiner as a whole, of FLUX the
/// transformer alone. Its keys and shapes tell what it is; configs come from the folder beside it where there is one, else from
/// <see cref="ModelFamilies.Published"/>.
/// </summary>
public sealed class OneFileModel : ModelFiles
{
    private readonly CheckpointLayout _layout;
    private readonly ModelFolder? _folder;
    private readonly PublishedModel? _published;

    private OneFileModel(string path, CheckpointLayout layout, ModelFolder? folder, PublishedModel? published)
    {
        Path = path;
        _layout = layout;
        _folder = folder;
        _published = published;
    }

    public override string Path { get; }

    // The UNet's extra input channels tell what it was trained for: a masked picture and the mask, or a picture.
    public override string PipelineClass =>
        _folder?.PipelineClass
        ?? (_layout.UNetInputs, _published!.PipelineClass) switch
        {
            (9, "StableDiffusionXLPipeline") => "StableDiffusionXLInpaintPipeline",
            (9, _) => "StableDiffusionInpaintPipeline",
            (8, _) => "StableDiffusionInstructPix2PixPipeline",
            (_, string own) => own,
        };

    /// <summary>The published model that the keys and shapes belong to, or null where the folder beside the file has all configs.</summary>
    public PublishedModel? Published => _published;

    /// <summary>Keys of the file that belong to no part of a model, and are left out.</summary>
    public IReadOnlyList<string> Unknown => _layout.Unknown;

    /// <summary>Opens a checkpoint and finds out what it holds.</summary>
    /// <param name="path">A .safetensors file.</param>
    /// <param name="configs">
    /// A folder in the diffusers layout whose configs, tokenizers and missing components are used; null for the file's own folder, if it is
    /// such a folder.
    /// </param>
    /// <exception cref="WeightsException">The file is damaged, pickled, or of no known family.</exception>
    public static OneFileModel Open(string path, string? configs = null)
    {
        using var file = SafetensorsFile.Open(path);
        var layout = CheckpointLayout.Of(file);
        string beside = configs ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        ModelFolder? folder =
            configs is not null || File.Exists(System.IO.Path.Combine(beside, "model_index.json")) ? ModelFolder.Open(beside) : null;
        PublishedModel? published = layout.Published;
        if (folder is null && published is null)
        {
            throw new WeightsException(
                $"{path}: {layout.Describe()}. That is none of the known families "
                    + $"({string.Join(", ", ModelFamilies.Published.Select(known => known.Name))}); put the file into a folder with the "
                    + "model's configs (model_index.json and a config.json for each part), and name the file, not the folder."
            );
        }

        return new OneFileModel(path, layout, folder, published);
    }

    public override bool Has(string component) =>
        _folder is not null
            ? _folder.Has(component)
            : _layout.Has(component)
                || component switch
                {
                    "tokenizer" => _layout.Has("text_encoder"),
                    "tokenizer_2" => _layout.Has("text_encoder_2"),
                    "scheduler" => true,
                    _ => false,
                };

    public override string ClassOf(string component)
    {
        if (_folder is not null)
        {
            return _folder.ClassOf(component);
        }

        return
            _published!.Configs.TryGetValue(component, out JsonObject? config)
            && (config["_class_name"] ?? config["architectures"]?[0]) is { } name
            ? name.GetValue<string>()
            : throw Lacks(component);
    }

    public override string Config(string component)
    {
        if (_folder is not null)
        {
            return _folder.Config(component);
        }

        if (!_published!.Configs.TryGetValue(component, out JsonObject? config))
        {
            throw Lacks(component);
        }

        JsonObject copy = config.DeepClone().AsObject();
        foreach ((string name, JsonNode value) in _layout.Found(component))
        {
            copy[name] = value.DeepClone();
        }

        return copy.ToJsonString();
    }

    public override WeightSource Weights(string component) =>
        _layout.Has(component)
            ? _layout.Open(SafetensorsFile.Open(Path), component)
            : (_folder ?? throw Lacks(component)).Weights(component);

    public override SchedulerConfig Scheduler(string component = "scheduler") =>
        _folder?.Scheduler(component) ?? SchedulerConfig.Parse(Config(component));

    public override ClipTokenizer ClipTokenizer(string component)
    {
        if (_folder is not null)
        {
            return _folder.ClipTokenizer(component);
        }

        // OpenCLIP pads with "!", CLIP with its end mark.
        bool openClip = _published!.OpenClipTokenizers.Contains(component);
        return openClip ? Tokenizers.ClipTokenizer.PublishedPaddedWithZero : Tokenizers.ClipTokenizer.Published;
    }

    public override TokenizerFiles? TokenizerFiles(string component) => _folder?.TokenizerFiles(component);

    public override T5Tokenizer T5Tokenizer(string component) => (_folder ?? throw Lacks(component)).T5Tokenizer(component);

    public override JsonElement? Setting(string name)
    {
        if (_folder is not null)
        {
            return _folder.Setting(name);
        }

        return _published!.Settings.TryGetValue(name, out bool value) ? JsonSerializer.SerializeToElement(value) : null;
    }

    private WeightsException Lacks(string component) =>
        new($"{Path}: has no {component}. Put the file into a folder in the diffusers layout that has one.");
}
