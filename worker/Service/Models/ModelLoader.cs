using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace Generation.Service.Models;

/// <summary>Loads models by their catalogue entries.</summary>
internal sealed class ModelLoader
{
    private readonly ModelCatalog _catalog;
    private readonly ScalarType _dtype;
    private readonly Device _device;
    private readonly ConcurrentDictionary<(string Name, ModelUse Use), long> _bytes = new();

    /// <summary>Prepares loading onto the device that is configured.</summary>
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

    /// <summary>The size of a model's weights in memory for a use, in bytes, from the headers of its files, which are read once.</summary>
    public long CountBytes(ModelEntry entry, ModelUse use = ModelUse.Pictures) =>
        _bytes.GetOrAdd((entry.Name, use), _ =>
            WeightsOf(entry, use).Sum(path => CountWeights(_catalog.PathOf(path))) * (_dtype == ScalarType.Float32 ? 4 : 2)
        );

    /// <summary>Loads the networks that a use of a model needs, with its upscaler. The caller disposes the result.</summary>
    /// <exception cref="WeightsException">A part is missing or does not fit.</exception>
    public LoadedModel Load(ModelEntry entry, ModelUse use = ModelUse.Pictures)
    {
        var loaded = new Stack<IDisposable>();
        string path = _catalog.PathOf(entry.Path);
        try
        {
            DiffusionModel? model = entry.IsPlainUpscaler ? null : Keep(ModelFamilies.Load(SourceOf(entry, use), _dtype, _device));
            return new LoadedModel(entry, CountBytes(entry, use))
            {
                Diffusion = model,
                EntryScheduler = model is not null && use == ModelUse.Clips ? MotionScheduler(entry, model.Scheduler) : null,
                Upscalers = entry.IsPlainUpscaler ? Keep(UpscalerSet.FromPretrained(path, _dtype, _device)) : null,
                Upscaler = entry.Upscaler is { } upscaler ? Keep(LoadUpscaler(entry, upscaler)) : null,
                Safety = entry.SafetyChecker is { } checker
                    ? new(() => SafetyClassifier.FromPretrained(_catalog.PathOf(checker), _dtype, _device))
                    : null,
                MaskFinder = entry.MaskFinder is { } finder
                    ? new(() => MaskFinder.FromPretrained(_catalog.PathOf(finder), _dtype, _device))
                    : null,
                Embeddings =
                [
                    .. entry
                        .Embeddings.Where(embedding => embedding.Family == entry.Family)
                        .Select(embedding => Keep(TextualInversion.Load(_catalog.EmbeddingPath(embedding.Name), embedding.Name))),
                ],
            };
        }
        catch
        {
            foreach (IDisposable part in loaded)
            {
                part.Dispose();
            }

            throw;
        }

        T Keep<T>(T part)
            where T : IDisposable
        {
            loaded.Push(part);
            return part;
        }
    }

    private ModelSource SourceOf(ModelEntry entry, ModelUse use) =>
        new(ModelFiles.Open(_catalog.PathOf(entry.Path)))
        {
            MotionAdapter = use == ModelUse.Clips && entry.MotionAdapter is { } motion ? _catalog.PathOf(motion) : null,
        };

    private static IEnumerable<string> WeightsOf(ModelEntry entry, ModelUse use) =>
        (
            (string?[])
                [
                    entry.Path,
                    entry.Upscaler?.Path,
                    entry.SafetyChecker,
                    use == ModelUse.Clips ? entry.MotionAdapter : entry.MaskFinder,
                    .. use == ModelUse.Pictures ? entry.ControlNets.Select(net => net.Path).Concat(entry.Vaes.Select(vae => vae.Path)) : [],
                ]
        ).OfType<string>();

    private static SchedulerConfig MotionScheduler(ModelEntry entry, SchedulerConfig own)
    {
        try
        {
            return own.With(entry.MotionScheduler?.Select(setting => KeyValuePair.Create(setting.Key, (object?)setting.Value)) ?? []);
        }
        catch (SchedulerException e)
        {
            throw new WeightsException($"the entry of {entry.Name}, motion_scheduler: {e.Message}.", e);
        }
    }

    private Upscaler LoadUpscaler(ModelEntry entry, UpscalerEntry named)
    {
        var upscaler = Upscaler.FromPretrained(_catalog.PathOf(named.Path), _dtype, _device);
        if (upscaler.Scale == named.Scale)
        {
            return upscaler;
        }

        int scale = upscaler.Scale;
        upscaler.Dispose();
        throw new WeightsException(
            $"the entry of {entry.Name} says that {named.Name} enlarges {named.Scale} times, but its weights enlarge {scale} times."
        );
    }

    /// <summary>Returns the model's control network for a type of control pictures, and loads it if needed.</summary>
    public ControlNetModel ControlNet(LoadedModel model, string type)
    {
        ControlNetEntry net = model.Entry.ControlNets.FirstOrDefault(n => n.Type == type)
            ?? throw new SettingException("control", $"{model.Entry.Name} has no control network of the type '{type}'.");
        return model.Part("control:" + net.Path, () => model.Model.LoadControlNet(_catalog.PathOf(net.Path), _dtype));
    }

    /// <summary>Returns one of the model's other autoencoders, and loads it if needed.</summary>
    public AutoencoderKL Vae(LoadedModel model, string name)
    {
        PartEntry vae = model.Entry.Vaes.FirstOrDefault(v => v.Name == name)
            ?? throw new SettingException("vae", $"{model.Entry.Name} has no autoencoder '{name}'.");
        return model.Part("vae:" + vae.Path, () => ComponentFolder.LoadVae(_catalog.PathOf(vae.Path), _dtype, _device));
    }

    /// <summary>Reads a LoRA's file. It is read again for each job that names it. The caller disposes the result.</summary>
    public LoraAdapter Lora(string name) => LoraAdapter.Load(_catalog.LoraPath(name));

    /// <summary>Removes file paths from a message, because the job's owner is not told where files lie.</summary>
    public string WithoutPath(string message) =>
        message.Replace(Path.GetDirectoryName(_catalog.LoraPath("a")) + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);

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

/// <summary>This worker cannot load a model. The message is for the job's owner and names no path.</summary>
internal sealed class ModelUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
