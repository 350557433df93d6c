using Generation.Diffusion.Networks;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>A network that lies in a folder of its own: config.json and its weights.</summary>
internal static class ComponentFolder
{
    public static TNetwork Load<TNetwork, TConfig>(string path, Func<TConfig, Weights, TNetwork> build, ScalarType dtype, Device? device)
        where TNetwork : Network
        where TConfig : INetworkConfig
    {
        using WeightSource source = WeightSource.Open(path);
        try
        {
            return build(ConfigJson.Load<TConfig>(Path.Combine(path, "config.json")), new Weights(source, dtype, device));
        }
        catch (Exception e) when (e is ConfigException or IOException)
        {
            throw new WeightsException($"{path}: {e.Message}", e);
        }
    }
}
