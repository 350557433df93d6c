using System.Text.Json;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Weights;

namespace Generation.Service.Models;

/// <summary>What kind of file `model add` was given.</summary>
internal enum AddedKind
{
    /// <summary>A model of pictures or clips: a folder in the diffusers layout, or one checkpoint.</summary>
    Model,

    /// <summary>Upscaler networks of the Real-ESRGAN family: one file, or a folder with one file for each scale.</summary>
    Upscaler,

    /// <summary>A control network, which is added to a model.</summary>
    ControlNet,

    /// <summary>An AnimateDiff motion adapter, which is added to a model.</summary>
    MotionAdapter,

    /// <summary>An autoencoder, which is added to a model.</summary>
    Vae,

    /// <summary>A LoRA file.</summary>
    Lora,

    /// <summary>A textual inversion file.</summary>
    Embedding,
}

/// <summary>Finds out from model_index.json, config.json or the keys of a file what it holds.</summary>
internal static class AddedKinds
{
    private static readonly string[] Pickled = [".ckpt", ".pt", ".pth", ".bin"];

    /// <exception cref="WeightsException">
    /// There is no such file or folder, or nothing in it that can be added; the message says what is there.
    /// </exception>
    public static AddedKind Of(string path) =>
        Directory.Exists(path) ? OfFolder(path)
        : File.Exists(path) ? OfFile(path)
        : throw new WeightsException($"{path}: there is no such file or folder.");

    private static AddedKind OfFolder(string path)
    {
        if (Read(Path.Combine(path, "model_index.json")) is not null)
        {
            return AddedKind.Model;
        }

        string[] files = [.. Directory.EnumerateFiles(path, "*.safetensors").Order(StringComparer.Ordinal)];
        if (Read(Path.Combine(path, "config.json")) is { } config && Text(config, "_class_name") is { Length: > 0 } name)
        {
            return name switch
            {
                "ControlNetModel" => AddedKind.ControlNet,
                "MotionAdapter" => AddedKind.MotionAdapter,
                "AutoencoderKL" => AddedKind.Vae,
                _ => throw new WeightsException(
                    $"{path}: holds a {name}, one part of a model. Add the folder above it, the one with model_index.json."
                ),
            };
        }

        if (files.Length > 0 && OfFile(files[0]) is var kind && (kind == AddedKind.Upscaler || files.Length == 1))
        {
            return kind is AddedKind.Upscaler
                ? kind
                : throw new WeightsException(
                    $"{path}: is no model in the diffusers layout, it has no model_index.json. It holds {files[0]}: add that file."
                );
        }

        throw new WeightsException($"{path}: is no model in the diffusers layout, it has no model_index.json. {Inside(path, files)}");
    }

    private static AddedKind OfFile(string path)
    {
        using var file = SafetensorsFile.Open(path);
        bool Any(Func<string, bool> test) => file.Names.Any(test);
        return LoraAdapter.IsAdapter(file) ? AddedKind.Lora
            : Any(name => name.Contains("motion_modules.", StringComparison.Ordinal)) ? AddedKind.MotionAdapter
            : Any(name => name.StartsWith("control_model.", StringComparison.Ordinal))
            || file.Has("input_hint_block.0.weight")
            || file.Has("controlnet_cond_embedding.conv_in.weight")
                ? AddedKind.ControlNet
            : Any(name => name.EndsWith("conv_first.weight", StringComparison.Ordinal)) || file.Has("model.0.weight") || IsCompact(file)
                ? AddedKind.Upscaler
            : file.Names.Count <= 2 && file.Names.All(name => file.Entry(name).Shape.Length is 1 or 2) ? AddedKind.Embedding
            : file.Has("encoder.mid.block_1.conv1.weight") || file.Has("encoder.conv_in.weight") ? AddedKind.Vae
            : AddedKind.Model;
    }

    // A row of convolutions, body.0, body.2, ... with or without a wrapper
    private static bool IsCompact(SafetensorsFile file) =>
        file.Names.Any(name => name.EndsWith("body.2.weight", StringComparison.Ordinal))
        && file.Names.All(name => name.Contains("body.", StringComparison.Ordinal));

    private static string Inside(string path, string[] files)
    {
        if (files.Length > 0)
        {
            return "Of what it holds, one file can be added at a time: "
                + $"{string.Join(", ", files.Take(5).Select(file => Path.GetFileName(file)))}{(files.Length > 5 ? ", ..." : "")}";
        }

        string[] models =
        [
            .. Directory
                .EnumerateDirectories(path)
                .Where(inner => File.Exists(Path.Combine(inner, "model_index.json")))
                .Order(StringComparer.Ordinal),
        ];
        if (models.Length > 0)
        {
            return $"Add one of the models in it: {string.Join(", ", models.Take(5))}{(models.Length > 5 ? ", ..." : "")}";
        }

        return
            Directory
                .EnumerateFiles(path)
                .FirstOrDefault(file => Pickled.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                is { } pickled
            ? $"It holds {Path.GetFileName(pickled)}: pickled files can run code and are refused; download the model's .safetensors files."
            : "It holds no weights (.safetensors).";
    }

    private static JsonElement? Read(string file) =>
        File.Exists(file) && JsonFile.Read(file) is { ValueKind: JsonValueKind.Object } json ? json : null;

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
