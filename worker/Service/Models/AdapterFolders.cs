using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Weights;

namespace Generation.Service.Models;

/// <summary>
/// The adapters that lie beside the models: loras/NAME.safetensors and embeddings/NAME.safetensors. What they fit is read
/// off the sizes of the layers that they change; what cannot be told from them is listed with every model that it might fit.
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
        _embeddings = Scan(_embeddingFolder, FitOfEmbedding, logger);
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

        AdapterWidths model = WidthsOf(weights);
        return entry with { Loras = [.. List(_loras, model, entry)], Embeddings = [.. List(_embeddings, model, entry)] };
    }

    /// <summary>Sizes of a model's networks, by which adapters are told to fit; none where the model cannot be read.</summary>
    public static AdapterWidths WidthsOf(string weights)
    {
        try
        {
            var files = ModelFiles.Open(weights);
            return ModelFamilies.Of(new ModelSource(files)).Widths(files);
        }
        catch (Exception e) when (e is WeightsException or JsonException or IOException)
        {
            // Loading will say what is wrong with it
            return new AdapterWidths();
        }
    }

    private static IEnumerable<AdapterEntry> List(Dictionary<string, AdapterFit> adapters, AdapterWidths model, ModelEntry entry) =>
        adapters
            .OrderBy(a => a.Key, StringComparer.Ordinal)
            .Select(a => new AdapterEntry(
                a.Key,
                a.Value.Fits(model) ? entry.Family
                    : a.Value.Family == entry.Family ? $"{a.Value.Family} of another size"
                    : a.Value.Family,
                a.Value.Vectors
            ));

    private static AdapterFit FitOfEmbedding(SafetensorsFile file)
    {
        // They are small, and a broken one would keep every model that it fits from loading
        using var embedding = TextualInversion.Load(file.Path);
        return ModelFamilies.FitOfEmbedding(file) with { Vectors = embedding.Count };
    }

    private static Dictionary<string, AdapterFit> Scan(string folder, Func<SafetensorsFile, AdapterFit> fit, ILogger logger)
    {
        var found = new Dictionary<string, AdapterFit>(StringComparer.Ordinal);
        foreach (string path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*" + Extension) : [])
        {
            string name = Path.GetFileNameWithoutExtension(path);
            try
            {
                using var file = SafetensorsFile.Open(path);
                found[name] = fit(file);
            }
            catch (Exception e) when (e is WeightsException or IOException or UnauthorizedAccessException)
            {
                WorkerLog.ModelEntryRefused(logger, name, e.Message);
            }
        }

        return found;
    }
}
