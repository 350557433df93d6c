using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;

namespace Generation.Service.Models;

/// <summary>
/// The LoRAs and embeddings that lie beside the models, as loras/NAME.safetensors and embeddings/NAME.safetensors. Which models they fit is
/// told by the number of prompt features that they were trained on, which differs between families.
/// </summary>
internal sealed class AdapterFolders
{
    private const string Extension = ".safetensors";

    private readonly string _loraFolder;
    private readonly string _embeddingFolder;
    private readonly Dictionary<string, AdapterFit> _loras;
    private readonly Dictionary<string, AdapterFit> _embeddings;

    public AdapterFolders(string models, ILogger logger)
    {
        _loraFolder = Path.Combine(models, "loras");
        _embeddingFolder = Path.Combine(models, "embeddings");
        _loras = Scan(_loraFolder, ModelFamilies.FitOfLora, logger);
        _embeddings = Scan(_embeddingFolder, ModelFamilies.FitOfEmbedding, logger);
    }

    public string LoraPath(string name) => Path.Combine(_loraFolder, name + Extension);

    public string EmbeddingPath(string name) => Path.Combine(_embeddingFolder, name + Extension);

    /// <summary>
    /// Returns the entry with all adapters listed. An adapter that fits the entry's weights is listed under the entry's own family.
    /// </summary>
    public ModelEntry AddTo(ModelEntry entry, string weights)
    {
        if (_loras.Count + _embeddings.Count == 0 || entry.IsPlainUpscaler)
        {
            return entry;
        }

        (long lora, long embedding) = WidthsOf(weights);
        return entry with { Loras = [.. List(_loras, lora, entry)], Embeddings = [.. List(_embeddings, embedding, entry)] };
    }

    private static IEnumerable<AdapterEntry> List(Dictionary<string, AdapterFit> adapters, long features, ModelEntry entry) =>
        adapters
            .OrderBy(a => a.Key, StringComparer.Ordinal)
            .Select(a => new AdapterEntry(
                a.Key,
                a.Value.Features == features ? entry.Family
                    : a.Value.Family == entry.Family ? $"{a.Value.Family} of {a.Value.Features} features"
                    : a.Value.Family
            ));

    private static Dictionary<string, AdapterFit> Scan(string folder, Func<SafetensorsFile, AdapterFit> family, ILogger logger)
    {
        var found = new Dictionary<string, AdapterFit>(StringComparer.Ordinal);
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

    private static AdapterWidths WidthsOf(string weights)
    {
        try
        {
            var files = ModelFiles.Open(weights);
            return ModelFamilies.Of(new ModelSource(files)).Widths(files);
        }
        catch (Exception e) when (e is WeightsException or JsonException or IOException)
        {
            // Loading will say what is wrong with it
            return new AdapterWidths(-1, -1);
        }
    }
}
