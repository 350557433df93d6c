using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Benchmarks.Engines;

/// <summary>One whole computation that engines are timed at, with random weights: time does not depend on their values.</summary>
/// <param name="Name">step or vae.</param>
/// <param name="Type">f32 or bf16.</param>
internal sealed record Workload(string Name, string Type)
{
    /// <summary>All that are measured, in this order.</summary>
    public static IReadOnlyList<Workload> All { get; } = [new("step", "f32"), new("step", "bf16"), new("vae", "f32"), new("vae", "bf16")];

    /// <summary>Multiply-adds, counted twice.</summary>
    public double Operations => Name == "step" ? 1.64e12 : 2.51e12;

    /// <summary>For people.</summary>
    public string Description =>
        Name == "step"
            ? "Stable Diffusion 1.5's network, 860 M parameters, 64x64 latents, batch 2 for guidance"
            : "Stable Diffusion's autoencoder, from 64x64 latents to a picture of 512x512";

    private const string Family = "sd15";

    private string Component => Name == "step" ? "unet" : "vae";

    private ScalarType Dtype => Type == "bf16" ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Makes the file that <see cref="Prepare"/> loads, where it is not there yet.</summary>
    public void MakeCheckpoint() => _ = RandomCheckpoint.Make(Family, Component);

    /// <summary>Loads the network; what comes back computes once and must be called in inference mode.</summary>
    public Action Prepare() => Name == "step" ? Step() : Vae();

    public override string ToString() => $"{Name}_{Type}";

    private Action Step()
    {
        using WeightSource source = RandomCheckpoint.Open(Family, Component);
        var unet = new UNet2DConditionModel(new UNetConfig { CrossAttentionDim = 768 }, new NetworkWeights(source, Dtype));
        Tensor latents = randn([1, 4, 64, 64]);
        Tensor context = randn([2, 77, 768]).to(Dtype);
        return () =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor both = cat([latents, latents]).to(Dtype);
            Tensor[] predicted = unet.Forward(both, 500, context).to(ScalarType.Float32).chunk(2);
            Tensor guided = predicted[0] + (7.5 * (predicted[1] - predicted[0]));
            _ = latents - (0.1 * guided);
        };
    }

    private Action Vae()
    {
        using WeightSource source = RandomCheckpoint.Open(Family, Component);
        var config = new AutoencoderConfig
        {
            BlockOutChannels = [128, 256, 512, 512],
            DownBlockTypes = [.. Enumerable.Repeat(EncoderBlockType.DownEncoderBlock2D, 4)],
            LayersPerBlock = 2,
        };
        var vae = new AutoencoderKL(config, new NetworkWeights(source, Dtype));
        Tensor latents = randn([1, 4, 64, 64]).to(Dtype);
        return () => vae.Decode(latents).Dispose();
    }
}
