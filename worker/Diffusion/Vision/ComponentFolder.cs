using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>Loads a network that lies in a folder of its own, with config.json and weights.</summary>
public static class ComponentFolder
{
    /// <summary>Loads an autoencoder that can replace a model's own.</summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static AutoencoderKL LoadVae(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load<AutoencoderKL, AutoencoderConfig>(path, (config, weights) => new AutoencoderKL(config, weights), dtype, device);

    /// <summary>Loads a small autoencoder (TAESD) for previews.</summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static AutoencoderTiny LoadTinyVae(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load<AutoencoderTiny, AutoencoderTinyConfig>(path, (config, weights) => new AutoencoderTiny(config, weights), dtype, device);

    internal static TNetwork Load<TNetwork, TConfig>(
        string path,
        Func<TConfig, NetworkWeights, TNetwork> build,
        ScalarType dtype,
        Device? device
    )
        where TNetwork : Network
        where TConfig : INetworkConfig
    {
        using var source = WeightSource.Open(path);
        try
        {
            return build(ConfigJson.Load<TConfig>(Path.Combine(path, "config.json")), new NetworkWeights(source, dtype, device));
        }
        catch (Exception e) when (e is ConfigException or IOException)
        {
            throw new WeightsException($"{path}: {e.Message}", e);
        }
    }
}
