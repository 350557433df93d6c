using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Hosting;

namespace Generation.TestSupport;

/// <summary>
/// A folder of catalogue entries over the embedded models and the small random ones of the reference data; gone when disposed.
/// </summary>
public sealed class TestModels : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("test-models-").FullName;

    /// <summary>A model of the reference data, or a folder in it.</summary>
    public static string Golden(params ReadOnlySpan<string> path) => Path.Combine([Clone.Current.Root, "tests", "Goldens", .. path]);

    private static readonly Lazy<string> OurFolder = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("our-models-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        LinkOurs(Clone.Current.Models, folder);
        return folder;
    });

    /// <summary>
    /// A folder with the models that travel with the project and no others, for programs that read a whole folder: whoever works with the
    /// clone has models of their own in its folder.
    /// </summary>
    public static string Ours => OurFolder.Value;

    /// <summary>One of the models that travel with the project, or its entry.</summary>
    public static string Embedded(string name) => Path.Combine(Ours, name);

    /// <summary>Fills a folder with links to what travels with the project in another.</summary>
    public static void LinkOurs(string models, string folder)
    {
        foreach (string name in (string[])["demo", "demo.json", "demo-motion", "demo-upscaler", "demo-upscaler.json"])
        {
            File.CreateSymbolicLink(Path.Combine(folder, name), Path.Combine(models, name));
        }
    }

    /// <summary>The demo model as it is, but for <paramref name="change"/>.</summary>
    public void WriteDemo(string name = "demo", Action<JsonObject>? change = null)
    {
        JsonObject entry = JsonNode.Parse(File.ReadAllText(Embedded("demo.json")))!.AsObject();
        entry["name"] = name;
        entry["path"] = Embedded("demo");
        entry["motion_adapter"] = Embedded("demo-motion");
        entry["upscaler"]!["path"] = Embedded("demo-upscaler");
        change?.Invoke(entry);
        Write(entry);
    }

    /// <summary>The demo model's upscaler, for requests that name it.</summary>
    public void WriteDemoUpscaler()
    {
        JsonObject entry = JsonNode.Parse(File.ReadAllText(Embedded("demo-upscaler.json")))!.AsObject();
        entry["path"] = Embedded("demo-upscaler");
        Write(entry);
    }

    /// <summary>A model of the reference data that draws 64 x 64 pixels in three steps.</summary>
    public void WriteSmall(string name, string path, string family, string[] kinds, Action<JsonObject>? change = null)
    {
        var entry = new JsonObject
        {
            ["name"] = name,
            ["family"] = family,
            ["kinds"] = new JsonArray([.. kinds.Select(k => (JsonNode)k)]),
            ["path"] = Golden("models", path),
            ["native_width"] = 64,
            ["native_height"] = 64,
            ["native_multiple"] = 16,
            ["native_min_side"] = 32,
            ["native_max_side"] = 128,
            ["default_width"] = 64,
            ["default_height"] = 64,
            ["min_side"] = 32,
            ["max_side"] = 128,
            ["max_pixels"] = 16384,
            ["multiple_of"] = 16,
            ["default_steps"] = 3,
            ["max_steps"] = 20,
            ["default_guidance_scale"] = 3,
            ["default_scheduler"] = "ddim",
        };
        change?.Invoke(entry);
        Write(entry);
    }

    /// <summary>Stable Diffusion with a network for edges.</summary>
    public void WriteEdges(string name, Action<JsonObject>? change = null) =>
        WriteSmall(name, "sd15", "sd15", ["text2img", "img2img", "inpaint", "controlnet"], entry =>
        {
            entry["control_nets"] = new JsonArray(
                new JsonObject
                {
                    ["name"] = "Edges",
                    ["type"] = "canny",
                    ["path"] = Golden("models", "controlnet"),
                }
            );
            change?.Invoke(entry);
        });

    /// <summary>Stable Video Diffusion: clips of a picture, 48 x 32 pixels.</summary>
    public void WriteSvd(Action<JsonObject>? change = null)
    {
        var entry = new JsonObject
        {
            ["name"] = "svd",
            ["family"] = "svd",
            ["kinds"] = new JsonArray("video"),
            ["path"] = Golden("models", "svd"),
            ["native_width"] = 48,
            ["native_height"] = 32,
            ["native_min_side"] = 16,
            ["native_max_side"] = 64,
            ["default_width"] = 48,
            ["default_height"] = 32,
            ["min_side"] = 8,
            ["max_side"] = 1024,
            ["max_pixels"] = 1 << 20,
            ["max_steps"] = 50,
            ["default_scheduler"] = "auto",
        };
        change?.Invoke(entry);
        Write(entry);
    }

    public void Write(JsonObject entry) =>
        File.WriteAllText(
            Path.Combine(Folder, (string)entry["name"]! + ".json"),
            entry.ToJsonString(new JsonSerializerOptions { WriteIndented = true })
        );

    /// <summary>The reference case's safety checker with thresholds that all cosines are above (-1), or below (1).</summary>
    /// <returns>Its folder.</returns>
    public string SafetyChecker(string name, Half threshold)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;
        File.Copy(Golden("modules", "safety_checker", "config.json"), Path.Combine(folder, "config.json"));
        byte[] file = File.ReadAllBytes(Golden("modules", "safety_checker", "model.safetensors"));
        int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        foreach ((string weight, JsonNode? tensor) in JsonNode.Parse(file.AsSpan(8, header - 8))!.AsObject())
        {
            if (!weight.EndsWith("_weights", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.That((string)tensor!["dtype"]!, Is.EqualTo("F16"), weight);
            for (int at = (int)tensor["data_offsets"]![0]!; at < (int)tensor["data_offsets"]![1]!; at += 2)
            {
                BinaryPrimitives.WriteHalfLittleEndian(file.AsSpan(header + at), threshold);
            }
        }

        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), file);
        return folder;
    }

    /// <summary>
    /// The reference case's CLIPSeg with a vocabulary of its size: the first 598 tokens of another, and the two marks that its config
    /// names.
    /// </summary>
    /// <returns>Its folder.</returns>
    public string MaskFinder()
    {
        string folder = Directory.CreateDirectory(Path.Combine(Folder, "mask-finder")).FullName;
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Golden("modules", "clipseg", file), Path.Combine(folder, file));
        }

        string from = Golden("models", "sd15", "tokenizer");
        var vocabulary = JsonSerializer
            .Deserialize<Dictionary<string, int>>(File.ReadAllText(Path.Combine(from, "vocab.json")))!
            .Where(pair => pair.Value < 598)
            .ToDictionary(StringComparer.Ordinal);
        File.WriteAllLines(
            Path.Combine(folder, "merges.txt"),
            File.ReadLines(Path.Combine(from, "merges.txt"))
                .Where((line, k) => k == 0 || vocabulary.ContainsKey(line.Replace(" ", "", StringComparison.Ordinal)))
        );
        vocabulary["<|startoftext|>"] = 598;
        vocabulary["<|endoftext|>"] = 599;
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"model_max_length": 77, "pad_token": "<|endoftext|>"}""");
        return folder;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
