using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>The embedded models load strictly, with every key taken.</summary>
public sealed class DemoModelTests
{
    [TestCase("unet")]
    [TestCase("vae")]
    [TestCase("text_encoder")]
    public void Demo_Component_LoadsStrictly(string component)
    {
        string folder = GoldenCase.InRepository($"models/demo/{component}");
        string config = Path.Combine(folder, "config.json");
        using var source = WeightSource.Open(folder);
        var weights = new NetworkWeights(source);
        using Network network = component switch
        {
            "unet" => new UNet2DConditionModel(ConfigJson.Load<UNetConfig>(config), weights),
            "vae" => new AutoencoderKL(ConfigJson.Load<AutoencoderConfig>(config), weights),
            _ => new CLIPTextModel(ConfigJson.Load<ClipTextConfig>(config), weights),
        };
        Assert.That(network.Parameters, Has.Count.EqualTo(source.Names.Count));
    }

    [Test]
    public void DemoUpscaler_ConfigAndShapes_AgreeAndLoadStrictly()
    {
        string folder = GoldenCase.InRepository("models/demo-upscaler");
        RRDBNetConfig config = ConfigJson.Load<RRDBNetConfig>(Path.Combine(folder, "config.json"));
        using var source = WeightSource.Open(Directory.GetFiles(folder, "*.safetensors").Single());
        var weights = new NetworkWeights(source);
        Assert.That(RRDBNetConfig.FromWeights(weights), Is.EqualTo(config));
        using var network = new RRDBNet(config, weights);
        Assert.That(network.Parameters, Has.Count.EqualTo(source.Names.Count));
    }

    [Test]
    public void DemoMotion_OverDemoUNet_LoadsStrictly()
    {
        string unet = GoldenCase.InRepository("models/demo/unet"),
            motion = GoldenCase.InRepository("models/demo-motion");
        using WeightSource source = WeightSource.Open(unet),
            motionSource = WeightSource.Open(motion);
        using var network = new UNetMotionModel(
            ConfigJson.Load<UNetConfig>(Path.Combine(unet, "config.json")),
            new NetworkWeights(source),
            ConfigJson.Load<MotionAdapterConfig>(Path.Combine(motion, "config.json")),
            new NetworkWeights(motionSource)
        );
        Assert.That(
            network.MotionParameters,
            Has.Count.EqualTo(motionSource.Names.Count(name => !name.EndsWith(".pos_embed.pe", StringComparison.Ordinal)))
        );
    }
}
