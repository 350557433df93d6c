using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Service.Models;

/// <summary>
/// Adds files that are no model by themselves: LoRAs and embeddings are copied into folders beside the models, other parts are named in a
/// model's entry.
/// </summary>
internal sealed class PartAddition(string path, string name, string folder, TextWriter output)
{
    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    // As files of control networks are called, and what requests call the pictures
    private static readonly (string Word, string Type)[] Types =
    [
        ("canny", "canny"),
        ("depth", "depth"),
        ("openpose", "pose"),
        ("pose", "pose"),
        ("lineart", "lineart"),
        ("softedge", "softedge"),
        ("hed", "softedge"),
        ("scribble", "scribble"),
        ("mlsd", "mlsd"),
        ("normal", "normal"),
        ("seg", "seg"),
        ("tile", "tile"),
        ("inpaint", "inpaint"),
        ("blur", "blur"),
        ("gray", "gray"),
    ];

    /// <returns>The path of the file that was written.</returns>
    /// <exception cref="WeightsException">
    /// The part is damaged or does not fit, or the command does not name the model that it is for.
    /// </exception>
    public string Add(AddedKind kind, string? to, string? type)
    {
        if (type is not null && kind != AddedKind.ControlNet)
        {
            throw new WeightsException($"{path} is {Describe(kind)}; --type is for control networks. Leave it out.");
        }

        return kind switch
        {
            AddedKind.Lora => Copy("loras", "LoRA", () => AdapterCheck.Lora(path, name, folder)),
            AddedKind.Embedding => Copy("embeddings", "textual inversion", () => AdapterCheck.Embedding(path, name)),
            AddedKind.ControlNet => Onto(kind, to, model => AddControlNet(model, type)),
            AddedKind.MotionAdapter => Onto(kind, to, AddMotionAdapter),
            _ => Onto(kind, to, AddVae),
        };
    }

    private string Copy(string inner, string what, Func<string> check)
    {
        string file = Path.Combine(folder, inner, name + ".safetensors");
        if (File.Exists(file))
        {
            throw new WeightsException($"There is a {what} {name} already ({file}). Choose another name with --name, or remove it first.");
        }

        output.WriteLine($"Checking {path} ...");
        string told = check();
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string part = file + ".part";
        try
        {
            File.Copy(path, part, overwrite: true);
            File.Move(part, file);
        }
        finally
        {
            File.Delete(part);
        }

        output.WriteLine($"{name}: a {what} {told}");
        return file;
    }

    /// <summary>Changes the entry of the model that the part is added to; the rest of the entry stays as it is.</summary>
    private string Onto(AddedKind kind, string? to, Action<(JsonObject Entry, string Weights)> add)
    {
        if (to is null)
        {
            throw new WeightsException(
                $"{path} is {Describe(kind)}, which is added to a model. Say to which with --to MODEL (./generation model list shows them)."
            );
        }

        string file = Path.Combine(folder, to + ".json");
        if (!ModelCatalog.IsName(to) || !File.Exists(file))
        {
            throw new WeightsException($"There is no model {to} ({file} is not there). ./generation model list shows those there are.");
        }

        JsonObject entry;
        try
        {
            entry = JsonNode.Parse(File.ReadAllText(file)) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{file} is no model's entry: {e.Message}. Correct it first.", e);
        }

        output.WriteLine($"Checking {path} with {to}, and running one step ...");
        add((entry, Path.GetFullPath((string?)entry["path"] ?? "", folder)));
        string part = file + ".part";
        File.WriteAllText(part, entry.ToJsonString(Indented) + "\n");
        File.Move(part, file, overwrite: true);
        return file;
    }

    private void AddControlNet((JsonObject Entry, string Weights) model, string? type)
    {
        type ??= Types.FirstOrDefault(known => name.Contains(known.Word, StringComparison.Ordinal)).Type
            ?? throw new WeightsException(
                $"What do the pictures of {path} show? Say it with --type, as requests will name it: "
                    + $"{string.Join(", ", Types.Select(known => known.Type).Distinct())}, or a word of your own."
            );
        JsonArray nets = List(model.Entry, "control_nets");
        if (nets.FirstOrDefault(net => (string?)net?["type"] == type) is { } taken)
        {
            throw new WeightsException(
                $"{model.Entry["name"]} has a control network of the type {type} already ({taken["path"]}). Choose another --type, or "
                    + "take it out of the entry first."
            );
        }

        using (DiffusionModel drawing = ModelFamilies.FromPretrained(model.Weights))
        using (ControlNetModel network = drawing.LoadControlNet(path))
        {
            drawing.TryControlNet(path, network);
        }

        nets.Add(
            new JsonObject
            {
                ["name"] = name,
                ["type"] = type,
                ["path"] = Path.GetRelativePath(folder, path),
            }
        );
        Kind(model.Entry, JobKind.ControlNet);
        output.WriteLine($"{name}: a control network of the type {type} for {model.Entry["name"]}.");
    }

    private void AddMotionAdapter((JsonObject Entry, string Weights) model)
    {
        if (!Directory.Exists(path))
        {
            throw new WeightsException(
                $"{path}: a motion adapter in one file does not say how its layers are built. Put it into a folder with its "
                    + "config.json, as diffusers writes both, and add the folder."
            );
        }

        if (model.Entry["motion_adapter"] is { } taken)
        {
            throw new WeightsException($"{model.Entry["name"]} has a motion adapter already ({taken}). Take it out of the entry first.");
        }

        var source = new ModelSource(ModelFiles.Open(model.Weights)) { MotionAdapter = path };
        using (DiffusionModel moving = ModelFamilies.Load(source))
        {
            moving.Try(path);
        }

        model.Entry["motion_adapter"] = Path.GetRelativePath(folder, path);
        // What the published adapters were trained on
        model.Entry["motion_scheduler"] ??= new JsonObject
        {
            ["beta_schedule"] = "linear",
            ["timestep_spacing"] = "linspace",
            ["clip_sample"] = false,
        };
        Kind(model.Entry, JobKind.Video);
        output.WriteLine($"{name}: a motion adapter for {model.Entry["name"]}, which can make clips from a prompt now.");
    }

    private void AddVae((JsonObject Entry, string Weights) model)
    {
        if (!Directory.Exists(path))
        {
            throw new WeightsException(
                $"{path}: an autoencoder alone does not say its scale. Put it into a folder with its config.json, as diffusers writes "
                    + "both, and add the folder."
            );
        }

        JsonArray vaes = List(model.Entry, "vaes");
        if (vaes.Any(vae => (string?)vae?["name"] == name))
        {
            throw new WeightsException($"{model.Entry["name"]} has an autoencoder {name} already. Choose another name with --name.");
        }

        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using AutoencoderKL vae = ComponentFolder.LoadVae(path);
        if (!vae.Decode(zeros([1, vae.Config.LatentChannels, 8, 8])).isfinite().all().item<bool>())
        {
            throw new WeightsException($"{path}: a picture decoded with it has values that are no numbers: the weights are damaged.");
        }

        vaes.Add(new JsonObject { ["name"] = name, ["path"] = Path.GetRelativePath(folder, path) });
        output.WriteLine($"{name}: an autoencoder for {model.Entry["name"]}; requests name it as vae.");
    }

    private static JsonArray List(JsonObject entry, string field)
    {
        if (entry[field] is not JsonArray list)
        {
            entry[field] = list = [];
        }

        return list;
    }

    private static void Kind(JsonObject entry, JobKind kind)
    {
        JsonArray kinds = List(entry, "kinds");
        if (!kinds.Any(known => (string?)known == kind.WireName()))
        {
            kinds.Add(kind.WireName());
        }
    }

    private static string Describe(AddedKind kind) =>
        kind switch
        {
            AddedKind.ControlNet => "a control network",
            AddedKind.MotionAdapter => "a motion adapter",
            AddedKind.Vae => "an autoencoder",
            AddedKind.Lora => "a LoRA",
            _ => "a textual inversion",
        };
}
