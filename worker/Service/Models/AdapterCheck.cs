using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Weights;
using LoraUse = Generation.Diffusion.Adapters.LoraUse;

namespace Generation.Service.Models;

/// <summary>Whether an adapter's file is right, and which models here take it, found out before it is added.</summary>
internal static class AdapterCheck
{
    /// <summary>Reads a LoRA and lays it over a model that it is for, if there is one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What requests will call it.</param>
    /// <param name="folder">The catalogue.</param>
    /// <returns>For people: which models it is for, and how requests name it.</returns>
    /// <exception cref="LoraException">The file is damaged, or no LoRA.</exception>
    /// <exception cref="WeightsException">Models here could be what it is for, and none has the layers that it changes.</exception>
    public static string Lora(string path, string name, string folder)
    {
        using var adapter = LoraAdapter.Load(path);
        AdapterFit fit;
        using (var file = SafetensorsFile.Open(path))
        {
            fit = ModelFamilies.FitOfLora(file);
        }

        var reasons = new List<string>();
        string? taker = null;
        foreach ((string model, string weights) in FittingModels(fit, folder))
        {
            try
            {
                using DiffusionModel loaded = Load(weights);
                using var applied = LoraSet.Apply(loaded.Adaptable, [new LoraUse(adapter, 1)]);
                taker = model;
                break;
            }
            catch (LoraException e)
            {
                reasons.Add($"{model}: {e.Message}");
            }
            catch (Exception e) when (e is WeightsException or IOException)
            {
                // That model is broken, which says nothing of the LoRA; the worker tells of it
            }
        }

        if (taker is null && reasons.Count > 0)
        {
            throw new WeightsException($"{path} fits no model here. Tried with {string.Join(Environment.NewLine + "with ", reasons)}");
        }

        string tried = taker is null ? "No such model is here yet." : $"{taker} takes it.";
        return $"for models {Of(fit)}. {tried} Requests name it in loras, or in the prompt as <lora:{name}:1>.";
    }

    /// <summary>Reads a textual inversion.</summary>
    /// <returns>For people: which models it is for, and how prompts name it.</returns>
    /// <exception cref="WeightsException">The file is damaged, or no textual inversion.</exception>
    public static string Embedding(string path, string name)
    {
        TextualInversion.Load(path).Dispose();
        using var file = SafetensorsFile.Open(path);
        return $"for models {Of(ModelFamilies.FitOfEmbedding(file))}. Prompts name it as '{name}'.";
    }

    private static string Of(AdapterFit fit) => fit.Family.Contains(' ', StringComparison.Ordinal) ? fit.Family : $"of {fit.Family}";

    /// <summary>Models of the catalogue that nothing speaks against, the smallest first; several entries of the same weights are one.</summary>
    private static IEnumerable<(string Name, string Weights)> FittingModels(AdapterFit fit, string folder) =>
        (Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json") : [])
            .Order(StringComparer.Ordinal)
            .Select(ReadEntry)
            .Where(entry => entry is { IsPlainUpscaler: false })
            .Select(entry => (entry!.Name, Weights: Path.GetFullPath(entry.Path, folder)))
            .Where(model => Path.Exists(model.Weights) && fit.Fits(AdapterFolders.WidthsOf(model.Weights)))
            .DistinctBy(model => model.Weights)
            .OrderBy(model => SizeOf(model.Weights));

    private static ModelEntry? ReadEntry(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options);
        }
        catch (JsonException)
        {
            // The worker says at its start what is wrong with it
            return null;
        }
    }

    private static DiffusionModel Load(string weights)
    {
        var source = new ModelSource(ModelFiles.Open(weights));
        ModelFamily family = ModelFamilies.Of(source);
        return family.Load(source, family.PublishedDtype);
    }

    private static long SizeOf(string weights) =>
        File.Exists(weights)
            ? new FileInfo(weights).Length
            : new DirectoryInfo(weights).EnumerateFiles("*.safetensors", SearchOption.AllDirectories).Sum(file => file.Length);
}
