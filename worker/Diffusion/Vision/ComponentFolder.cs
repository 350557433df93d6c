using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>A network that lies in a folder of its own: config.json and its weights.</summary>
public static class ComponentFolder
{
    /// <summary>An autoencoder that may take the place of a model's own.</summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static AutoencoderKL LoadVae(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load<AutoencoderKL, AutoencoderConfig>(path, (config, weights) => new AutoencoderKL(config, weights), dtype, device);

    /// <summary>A small autoencoder (TAESD) for previews.</summary>
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
