using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Files;

/// <summary>Loads the networks of one model, and disposes those already loaded when a later one fails.</summary>
internal sealed class NetworkLoader(ModelFiles files, ScalarType dtype, Device? device)
{
    private readonly List<Network> _loaded = [];

    public CLIPTextModel ClipText(string component) =>
        Load<CLIPTextModel, ClipTextConfig>(
            component,
            (config, weights) => new CLIPTextModel(config, weights),
            rename: ClipTextKeys.Rename
        );

    public UNet2DConditionModel UNet() =>
        Load<UNet2DConditionModel, UNetConfig>("unet", (config, weights) => new UNet2DConditionModel(config, weights));

    /// <summary>Loads the autoencoder, in float32 where its config says that float16 overflows in it (SDXL's).</summary>
    public AutoencoderKL Vae() =>
        Load<AutoencoderKL, AutoencoderConfig>(
            "vae",
            (config, weights) => new AutoencoderKL(config, weights),
            config => config.ForceUpcast && dtype == ScalarType.Float16 ? ScalarType.Float32 : dtype
        );

    public TNetwork Load<TNetwork, TConfig>(
        string component,
        Func<TConfig, NetworkWeights, TNetwork> build,
        Func<TConfig, ScalarType>? ownType = null,
        Func<WeightSource, WeightSource>? rename = null
    )
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

        using WeightSource? renamed = rename?.Invoke(source);
        TNetwork network = build(config, new NetworkWeights(renamed ?? source, ownType?.Invoke(config) ?? dtype, device));
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
