using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Diffusion;
using Generation.Imaging;
using Generation.Storage;
using Generation.Contracts;
using static TorchSharp.torch;

namespace Generation.Tests.Service;

/// <summary>A folder of catalogue entries over the embedded models and the small random ones of the reference cases.</summary>
internal sealed class MediaModels : IDisposable
{
    private static readonly string Goldens = Path.Combine(Path.GetDirectoryName(ServiceScope.Models)!, "tests", "Goldens");

    public MediaModels()
    {
        Folder = Directory.CreateTempSubdirectory("media-models-").FullName;
        Write("demo", entry => { });
        Write("linear", entry => entry["motion_scheduler"] = new JsonObject { ["beta_schedule"] = "linear", ["rescale_betas_zero_snr"] = false });
        Write("strict", entry => entry["safety_checker"] = ForcedChecker("strict-checker", -1));
        Write("lenient", entry => entry["safety_checker"] = ForcedChecker("lenient-checker", 1));
        Write("finder", entry => entry["mask_finder"] = MaskFinder());
        WriteNew("enlarger", "super-resolution", Path.Combine(ServiceScope.Models, "demo-upscaler"), entry => entry["scale"] = 4);
        WriteNew("x4", "super-resolution", Path.Combine(Goldens, "models", "x4_upscaler"), entry =>
        {
            entry["scale"] = 4;
            entry["default_steps"] = 5;
            entry["max_steps"] = 50;
            entry["default_scheduler"] = "auto";
        });
        WriteNew("svd", "video", Path.Combine(Goldens, "models", "svd"), entry =>
        {
            entry["native_width"] = 48;
            entry["default_width"] = 48;
            entry["native_height"] = 32;
            entry["default_height"] = 32;
            entry["native_min_side"] = 16;
            entry["native_max_side"] = 64;
            entry["max_steps"] = 50;
            entry["default_scheduler"] = "auto";
        });
    }

    public string Folder { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>A picture in the results store, as the API leaves it for a worker.</summary>
    public static async Task<StoredPicture> StoreAsync(IResultsStore results, Picture picture)
    {
        byte[] file = PictureCodec.Encode(picture, PictureFormat.Png);
        return new StoredPicture(await results.PutAsync(file, "image/png", CancellationToken.None), "image/png", file.Length, picture.Width, picture.Height);
    }

    private void Write(string name, Action<JsonObject> change)
    {
        JsonObject entry = JsonNode.Parse(File.ReadAllText(Path.Combine(ServiceScope.Models, "demo.json")))!.AsObject();
        entry["name"] = name;
        entry["path"] = Path.Combine(ServiceScope.Models, "demo");
        entry["motion_adapter"] = Path.Combine(ServiceScope.Models, "demo-motion");
        entry["upscaler"]!["path"] = Path.Combine(ServiceScope.Models, "demo-upscaler");
        change(entry);
        Save(name, entry);
    }

    private void WriteNew(string name, string kind, string path, Action<JsonObject> change)
    {
        var entry = new JsonObject { ["name"] = name, ["family"] = name, ["kinds"] = new JsonArray(kind), ["path"] = path, ["min_side"] = 8, ["max_side"] = 1024, ["max_pixels"] = 1 << 20 };
        change(entry);
        Save(name, entry);
    }

    private void Save(string name, JsonObject entry) =>
        File.WriteAllText(Path.Combine(Folder, name + ".json"), entry.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));

    /// <summary>The reference case's safety checker with thresholds that all cosines are above, or below.</summary>
    private string ForcedChecker(string name, double threshold)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;
        string golden = Path.Combine(Goldens, "modules", "safety_checker");
        File.Copy(Path.Combine(golden, "config.json"), Path.Combine(folder, "config.json"));
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Path.Combine(golden, "model.safetensors"));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), file.Names.Select(weight => KeyValuePair.Create(
            weight, weight.EndsWith("_weights", StringComparison.Ordinal) ? full_like(file.Read(weight), threshold) : file.Read(weight))));
        return folder;
    }

    /// <summary>The reference case's CLIPSeg with a vocabulary of its size: the first 598 tokens of another, and the two marks that its config names.</summary>
    private string MaskFinder()
    {
        string folder = Directory.CreateDirectory(Path.Combine(Folder, "mask-finder")).FullName;
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(Goldens, "modules", "clipseg", file), Path.Combine(folder, file));
        }

        string from = Path.Combine(Goldens, "models", "sd15", "tokenizer");
        Dictionary<string, int> vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(Path.Combine(from, "vocab.json")))!
            .Where(pair => pair.Value < 598).ToDictionary(StringComparer.Ordinal);
        File.WriteAllLines(
            Path.Combine(folder, "merges.txt"),
            File.ReadLines(Path.Combine(from, "merges.txt")).Where((line, k) => k == 0 || vocabulary.ContainsKey(line.Replace(" ", "", StringComparison.Ordinal))));
        vocabulary["<|startoftext|>"] = 598;
        vocabulary["<|endoftext|>"] = 599;
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"model_max_length": 77, "pad_token": "<|endoftext|>"}""");
        return folder;
    }
}
