using System.Text.Json;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Adapters;

/// <summary>
/// A LoRA file (arXiv 2106.09685; for convolutions LoCon, arXiv 2309.14859) in memory: low-rank changes of the layers of a UNet or
/// transformer and of the text encoders, from files of diffusers and of kohya's trainer. It is read once and can be applied to any number
/// of models by <see cref="LoraSet.Apply"/>.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    private const int ListedKeys = 20;

    private readonly Dictionary<(string Network, string Layer), LoraModule> _modules;

    private LoraAdapter(string path, Dictionary<(string, string), LoraModule> modules)
    {
        Path = path;
        _modules = modules;
    }

    /// <summary>The path that it was read from, for messages.</summary>
    public string Path { get; }

    /// <summary>The number of layers that it changes.</summary>
    public int Count => _modules.Count;

    internal IReadOnlyCollection<LoraModule> Modules => _modules.Values;

    /// <summary>Reads a .safetensors file.</summary>
    /// <exception cref="WeightsException">The file is not a safetensors file.</exception>
    /// <exception cref="LoraException">
    /// It has keys of no known style (they are listed), factors that do not fit together, or values that are no numbers.
    /// </exception>
    public static LoraAdapter Load(string path)
    {
        using DisposeScope scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        var modules = new Dictionary<(string Network, string Layer), LoraModule>();
        var unknown = new List<string>();
        try
        {
            foreach (string key in file.Names)
            {
                if (LoraKeys.Parse(key) is not { } parsed)
                {
                    unknown.Add(key);
                    continue;
                }

                (string Network, string Layer) name = (parsed.Network, parsed.Layer);
                if (!modules.TryGetValue(name, out LoraModule? module))
                {
                    modules[name] = module = new LoraModule(parsed.Network, parsed.Layer);
                }

                if (!module.Take(parsed.Part, file.Read(key)))
                {
                    throw new LoraException(
                        $"{path} has the {parsed.Part.ToString().ToLowerInvariant()} factor of the layer {parsed.Layer} twice (the second "
                            + $"time as {key}): files with several adapters cannot be read; save them one by one"
                    );
                }
            }

            if (unknown.Count > 0)
            {
                string? other = unknown.Select(LoraKeys.OtherAdapter).FirstOrDefault(name => name is not null);
                string told = other is null ? "" : $" It is a {other}; LoRA and LoCon files can be read.";
                throw new LoraException($"{path} has {unknown.Count} keys that are not of a LoRA: {Listed(unknown)}.{told}");
            }

            Check(path, modules);
            TakeMetadata(path, file, modules);
            return new LoraAdapter(path, modules);
        }
        catch
        {
            Release(modules);
            throw;
        }
    }

    /// <summary>Whether a file's keys are those of an adapter, also of one that <see cref="Load"/> cannot read and says so.</summary>
    public static bool IsAdapter(WeightSource file) => file.Names.Any(LoraKeys.IsOfAdapter);

    public void Dispose() => Release(_modules);

    internal static string Listed(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Take(ListedKeys)) + (names.Count > ListedKeys ? $" and {names.Count - ListedKeys} more" : "");

    private static void Check(string path, Dictionary<(string Network, string Layer), LoraModule> modules)
    {
        if (modules.Count == 0)
        {
            throw new LoraException($"{path} has no tensors");
        }

        string[] faults =
        [
            .. modules.Values.Select(m => (m.Layer, Fault: m.Fault())).Where(m => m.Fault is not null).Select(m => $"{m.Layer}: {m.Fault}"),
        ];
        if (faults.Length > 0)
        {
            throw new LoraException($"{path} has {faults.Length} layers whose factors do not fit: {Listed(faults)}");
        }

        string[] broken = [.. modules.Values.Where(m => !m.IsFinite()).Select(m => m.Layer)];
        if (broken.Length > 0)
        {
            throw new LoraException(
                $"{path} has values that are no numbers in {broken.Length} of its {modules.Count} layers: {Listed(broken)}. Its training "
                    + "went wrong, or it was saved in a type too small for it; pictures made with it would be black"
            );
        }
    }

    // diffusers writes the alphas of PEFT's config into the file's metadata, one for a network or by a layer's name.
    private static void TakeMetadata(string path, SafetensorsFile file, Dictionary<(string Network, string Layer), LoraModule> modules)
    {
        if (!file.Metadata.TryGetValue("lora_adapter_metadata", out string? text))
        {
            return;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            foreach (LoraModule? module in modules.Values.Where(m => m.Alpha is null))
            {
                string[] networks = module.Network == LoraKeys.Denoiser ? ["unet", "transformer"] : [module.Network];
                foreach (string network in networks)
                {
                    module.Alpha ??= Alpha(document.RootElement, network, module.Layer);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new LoraException($"{path}: lora_adapter_metadata cannot be read: {e.Message}");
        }
    }

    private static double? Alpha(JsonElement metadata, string network, string layer)
    {
        if (metadata.TryGetProperty($"{network}.alpha_pattern", out JsonElement pattern) && pattern.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty entry in pattern.EnumerateObject())
            {
                if (layer == entry.Name || layer.EndsWith("." + entry.Name, StringComparison.Ordinal))
                {
                    return entry.Value.GetDouble();
                }
            }
        }

        return metadata.TryGetProperty($"{network}.lora_alpha", out JsonElement alpha) && alpha.ValueKind == JsonValueKind.Number
            ? alpha.GetDouble()
            : null;
    }

    private static void Release(Dictionary<(string Network, string Layer), LoraModule> modules)
    {
        foreach (LoraModule module in modules.Values)
        {
            module.Dispose();
        }

        modules.Clear();
    }
}

/// <summary>A LoRA file cannot be read, or does not fit the model. The message names the file and the keys.</summary>
public sealed class LoraException(string message) : Exception(message);
