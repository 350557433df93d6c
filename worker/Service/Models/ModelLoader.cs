using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Diffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Upscalers;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace Generation.Worker.Models;

/// <summary>Loads models by their catalogue entries.</summary>
internal sealed class ModelLoader
{
    private readonly ModelCatalog _catalog;
    private readonly ScalarType _dtype;
    private readonly Device _device;
    private readonly ConcurrentDictionary<string, long> _bytes = new(StringComparer.Ordinal);

    /// <summary>Loads onto the configured device.</summary>
    /// <exception cref="InvalidOperationException">The machine has no such device.</exception>
    public ModelLoader(ModelCatalog catalog, IOptions<WorkerOptions> options)
    {
        _catalog = catalog;
        _dtype = options.Value.Dtype switch
        {
            "bfloat16" => ScalarType.BFloat16,
            "float16" => ScalarType.Float16,
            _ => ScalarType.Float32,
        };
        string name = options.Value.Device;
        if (name != "cpu" && !cuda.is_available())
        {
            throw new InvalidOperationException($"Worker:Device is {name}, but libtorch finds no CUDA device on this machine.");
        }

        _device = device(name);
    }

    /// <summary>What a model's weights take in memory, read off its files' headers once.</summary>
    public long CountBytes(ModelEntry entry) => _bytes.GetOrAdd(entry.Name, _ => ReadBytes(entry));

    private long ReadBytes(ModelEntry entry)
    {
        long weights = CountWeights(_catalog.PathOf(entry.Path));
        if (entry.Upscaler is not null)
        {
            weights += CountWeights(_catalog.PathOf(entry.Upscaler.Path));
        }

        return weights * (_dtype == ScalarType.Float32 ? 4 : 2);
    }

    /// <summary>Reads a model with its upscaler. The caller disposes it.</summary>
    /// <exception cref="WeightsException">A part is missing or does not fit.</exception>
    public LoadedModel Load(ModelEntry entry)
    {
        LatentDiffusionModel model = LatentDiffusionModel.FromPretrained(_catalog.PathOf(entry.Path), _dtype, _device);
        Upscaler? upscaler = null;
        try
        {
            upscaler = entry.Upscaler is { } named ? Upscaler.FromPretrained(_catalog.PathOf(named.Path), _dtype, _device) : null;
            if (upscaler is not null && upscaler.Scale != entry.Upscaler!.Scale)
            {
                throw new WeightsException(
                    $"the entry of {entry.Name} says that {entry.Upscaler.Name} enlarges {entry.Upscaler.Scale} times, its weights {upscaler.Scale} times.");
            }

            return new LoadedModel(entry, model, upscaler, CountBytes(entry));
        }
        catch
        {
            upscaler?.Dispose();
            model.Dispose();
            throw;
        }
    }

    private static long CountWeights(string path)
    {
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path, "*.safetensors", SearchOption.AllDirectories) : [path];
        long weights = 0;
        foreach (string name in files)
        {
            try
            {
                using var file = SafetensorsFile.Open(name);
                weights += file.Names.Sum(n => file.Entry(n).Shape.Aggregate(1L, (product, side) => product * side));
            }
            catch (Exception e) when (e is WeightsException or IOException)
            {
                // Loading will say what is wrong with it; for the count its length does
                weights += File.Exists(name) ? new FileInfo(name).Length : 0;
            }
        }

        return weights;
    }
}
