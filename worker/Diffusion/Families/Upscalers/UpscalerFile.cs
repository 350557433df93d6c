using System.Text.Json;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>Reads upscaler networks from files. The names and shapes of the weights tell which network it is, and how large.</summary>
internal static class UpscalerFile
{
    /// <summary>Prefixes of the keys in published files, that of the averaged weights first.</summary>
    private static readonly string[] Wrappers = ["params_ema.", "params.", "state_dict."];

    /// <summary>Loads RRDBNet (under Real-ESRGAN's and ESRGAN's key names) or SRVGGNetCompact from one .safetensors file.</summary>
    /// <param name="config">The config.json beside the file, which must agree with the weights; or null.</param>
    /// <exception cref="WeightsException">The file holds neither network, or its weights do not fit.</exception>
    public static IUpscalerNetwork Load(string path, string? config, ScalarType dtype, Device? device)
    {
        using WeightSource file = SafetensorsFile.Open(path);
        using WeightSource named = RRDBNetKeys.Rename(Unwrap(file));
        var weights = new NetworkWeights(named, dtype, device);
        try
        {
            return weights.Has("conv_first.weight") ? LoadRrdb(path, config, weights)
                : weights.Has("body.0.weight") && weights.Has("body.2.weight") ? LoadSrvgg(config, weights)
                : throw new WeightsException(
                    $"{path}: holds neither an RRDBNet (conv_first.weight) nor an SRVGGNetCompact (body.0.weight); {file.Names.Count} "
                        + $"weights are named {string.Join(", ", file.Names.Order(StringComparer.Ordinal).Take(3))}, ..."
                );
        }
        catch (ConfigException e)
        {
            throw new WeightsException($"{path}: {e.Message}", e);
        }
    }

    private static RRDBNet LoadRrdb(string path, string? config, NetworkWeights weights)
    {
        var read = RRDBNetConfig.FromWeights(weights);
        if (config is null)
        {
            return new RRDBNet(read, weights);
        }

        string? architecture =
            JsonFile.Read(config) is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("architecture", out JsonElement name)
                ? name.GetString()
                : null;
        if (architecture != "RRDBNet")
        {
            throw new WeightsException($"{config}: architecture is '{architecture}' and the weights of {path} are those of an RRDBNet.");
        }

        return new RRDBNet(ConfigJson.Load<RRDBNetConfig>(config), weights);
    }

    // The slopes of PReLU are weights; which activation has none is told by config.json alone
    private static SRVGGNetCompact LoadSrvgg(string? config, NetworkWeights weights)
    {
        var read = SRVGGConfig.FromWeights(weights);
        string? activation =
            config is not null && JsonFile.Read(config).TryGetProperty("act_type", out JsonElement type) ? type.GetString() : null;
        return new SRVGGNetCompact(activation is null ? read : read with { ActType = activation }, weights);
    }

    private static WeightSource Unwrap(WeightSource file)
    {
        string? wrapper = Wrappers.FirstOrDefault(w => file.Names.Any(name => name.StartsWith(w, StringComparison.Ordinal)));
        return wrapper is null
            ? file
            : new RenamedWeights(
                file,
                file.Names.Where(name => name.StartsWith(wrapper, StringComparison.Ordinal))
                    .ToDictionary(name => name[wrapper.Length..], name => new WeightPiece(name), StringComparer.Ordinal),
                owns: false
            );
    }
}
