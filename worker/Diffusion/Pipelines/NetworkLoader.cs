using Generation.Diffusion.Networks;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Loads the networks of one model, and lets go of those already there when a later one fails.</summary>
internal sealed class NetworkLoader(ModelFiles files, ScalarType dtype, Device? device)
{
    private readonly List<Network> _loaded = [];

    public CLIPTextModel ClipText(string component) => Load<CLIPTextModel, ClipTextConfig>(component, (config, weights) => new CLIPTextModel(config, weights));

    public UNet2DConditionModel UNet() => Load<UNet2DConditionModel, UNetConfig>("unet", (config, weights) => new UNet2DConditionModel(config, weights));

    public AutoencoderKL Vae() => Load<AutoencoderKL, AutoencoderConfig>("vae", (config, weights) => new AutoencoderKL(config, weights));

    public TNetwork Load<TNetwork, TConfig>(string component, Func<TConfig, Weights, TNetwork> build)
        where TNetwork : Network
        where TConfig : INetworkConfig
    {
        using WeightSource source = files.Weights(component);
        TConfig config;
        try
        {
            config = ConfigJson.Parse<TConfig>(files.Config(component));
        }
        catch (ConfigException e)
        {
            throw new WeightsException($"{files.Path}, config of {component}: {e.Message}", e);
        }

        TNetwork network = build(config, new Weights(source, dtype, device));
        _loaded.Add(network);
        return network;
    }

    public void DisposeLoaded()
    {
        foreach (Network network in _loaded)
        {
            network.Dispose();
        }
    }
}
