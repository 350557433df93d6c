using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion;
using Generation.Diffusion.Pipelines;

namespace Generation.Worker.Models;

/// <summary>
/// The adapters that lie beside the models: loras/NAME.safetensors and embeddings/NAME.safetensors. What they fit is read
/// off the features of words that they were trained on, which differ between families.
/// </summary>
internal sealed class AdapterFolders
{
    private const string Extension = ".safetensors";
    private const string Flux = "flux";

    // Features of a word in the networks of each published family
    private static readonly Dictionary<long, string> Families = new()
    {
        [768] = "sd15",
        [1024] = "sd21",
        [2048] = "sdxl",
    };

    private readonly string _loraFolder;
    private readonly string _embeddingFolder;
    private readonly Dictionary<string, (long Features, string Family)> _loras;
    private readonly Dictionary<string, (long Features, string Family)> _embeddings;

    public AdapterFolders(string models, ILogger logger)
    {
        _loraFolder = Path.Combine(models, "loras");
        _embeddingFolder = Path.Combine(models, "embeddings");
        _loras = Scan(_loraFolder, OfLora, logger);
        _embeddings = Scan(_embeddingFolder, OfEmbedding, logger);
    }

    public string LoraPath(string name) => Path.Combine(_loraFolder, name + Extension);

    public string EmbeddingPath(string name) => Path.Combine(_embeddingFolder, name + Extension);

    /// <summary>The family of the models that a file fits.</summary>
    public static string FamilyOf(SafetensorsFile file, bool isLora) => (isLora ? OfLora(file) : OfEmbedding(file)).Item2;

    /// <summary>The entry with all adapters listed; those that fit its weights have its own family.</summary>
    public ModelEntry AddTo(ModelEntry entry, string weights)
    {
        if (_loras.Count + _embeddings.Count == 0 || entry.IsPlainUpscaler)
        {
            return entry;
        }

        (long lora, long embedding) = FeaturesOf(weights);
        return entry with { Loras = [.. List(_loras, lora, entry)], Embeddings = [.. List(_embeddings, embedding, entry)] };
    }

    private static IEnumerable<AdapterEntry> List(
        Dictionary<string, (long Features, string Family)> adapters,
        long features,
        ModelEntry entry
    ) =>
        adapters
            .OrderBy(a => a.Key, StringComparer.Ordinal)
            .Select(a => new AdapterEntry(
                a.Key,
                a.Value.Features == features ? entry.Family
                    : a.Value.Family == entry.Family ? $"{a.Value.Family} of {a.Value.Features} features"
                    : a.Value.Family
            ));

    private static Dictionary<string, (long, string)> Scan(string folder, Func<SafetensorsFile, (long, string)> family, ILogger logger)
    {
        var found = new Dictionary<string, (long, string)>(StringComparer.Ordinal);
        foreach (string path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*" + Extension) : [])
        {
            string name = Path.GetFileNameWithoutExtension(path);
            try
            {
                using var file = SafetensorsFile.Open(path);
                found[name] = family(file);
            }
            catch (Exception e) when (e is WeightsException or IOException or UnauthorizedAccessException)
            {
                WorkerLog.ModelEntryRefused(logger, name, e.Message);
            }
        }

        return found;
    }

    /// <summary>Features of the words that the model's attention takes, and of the first text encoder's tokens.</summary>
    private static (long Lora, long Embedding) FeaturesOf(string weights)
    {
        try
        {
            var files = ModelFiles.Open(weights);
            if (files.Has("transformer"))
            {
                return (0, Number(files.Config("text_encoder"), "hidden_size"));
            }

            string text = files.Has("text_encoder") ? "text_encoder" : "text_encoder_2";
            // Two encoders: an embedding that has vectors for both
            long embedding = files.Has("text_encoder_2") ? 2048 : Number(files.Config(text), "hidden_size");
            return (Number(files.Config("unet"), "cross_attention_dim"), embedding);
        }
        catch (Exception e) when (e is WeightsException or JsonException or IOException)
        {
            // Loading will say what is wrong with it
            return (-1, -1);
        }

        static long Number(string config, string name) =>
            JsonDocument.Parse(config).RootElement.TryGetProperty(name, out JsonElement value) && value.TryGetInt64(out long number)
                ? number
                : -1;
    }

    private static (long, string) OfLora(SafetensorsFile file)
    {
        if (
            file.Names.Any(name =>
                name.Contains("double_blocks", StringComparison.Ordinal)
                || name.Contains("single_transformer_blocks", StringComparison.Ordinal)
            )
        )
        {
            return (0, Flux);
        }

        // The side that reads words: (rank, features)
        string? down = file.Names.FirstOrDefault(name =>
            name.Contains("attn2", StringComparison.Ordinal)
            && name.Contains("to_k", StringComparison.Ordinal)
            && (
                name.Contains("lora_down", StringComparison.Ordinal)
                || name.Contains("lora_A", StringComparison.Ordinal)
                || name.Contains("lora.down", StringComparison.Ordinal)
            )
        );
        return Of(down is null ? 0 : file.Entry(down).Shape[^1]);
    }

    private static (long, string) OfEmbedding(SafetensorsFile file) =>
        file.Has("clip_g") ? (2048, "sdxl") : Of(file.Entry(file.Names.First()).Shape[^1]);

    private static (long, string) Of(long features) => (features, Families.GetValueOrDefault(features, $"of {features} features"));
}
