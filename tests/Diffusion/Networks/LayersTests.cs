using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>Layers and key names that the reference files do not reach.</summary>
public sealed class LayersTests
{
    // Sums of a large map must not be taken in bfloat16: that is off by a third here
    [TestCase(64)]
    [TestCase(128)]
    public void GroupNorm_OfALargeBFloat16Map_IsNearFloat32(int side)
    {
        using DisposeScope scope = NewDisposeScope();
        (GroupNorm? wide, ParameterStore? wideStore) = Norm(ScalarType.Float32);
        (GroupNorm? narrow, ParameterStore? narrowStore) = Norm(ScalarType.BFloat16);
        using (wideStore)
        using (narrowStore)
        {
            Tensor x = TorchExtras.channels_last((randn(1, 32, side, side) + 2).to(ScalarType.BFloat16));
            foreach (Activation activation in new[] { Activation.Silu, Activation.Gelu })
            {
                Tensor actual = narrow.Forward(x, activation),
                    expected = wide.Forward(x.to(ScalarType.Float32), activation);
                Assert.That(actual.dtype, Is.EqualTo(ScalarType.BFloat16));
                GoldenCase.AssertClose(actual, expected, $"{activation}", 0.05);
            }
        }

        static (GroupNorm, ParameterStore) Norm(ScalarType dtype) =>
            RandomWeights.Build(w => (new GroupNorm(w, groups: 8, channels: 32, eps: 1e-6), w.Finish()), seed: 3, dtype);
    }

    [TestCase(1, "model.2", "model.4")]
    [TestCase(2, "model.5", "model.7")]
    [TestCase(4, "model.8", "model.10")]
    [TestCase(8, "model.11", "model.13")]
    public void RRDBNetKeys_OldNamesOfEachScale_MakeItsNetwork(int scale, string hr, string last)
    {
        Dictionary<string, long[]> shapes = new(StringComparer.Ordinal);
        void Conv(string name, long outChannels, long inChannels)
        {
            shapes[$"{name}.weight"] = [outChannels, inChannels, 3, 3];
            shapes[$"{name}.bias"] = [outChannels];
        }
        Conv("model.0", 8, 3);
        for (int dense = 1; dense <= 3; dense++)
        {
            for (int conv = 0; conv < 5; conv++)
            {
                Conv($"model.1.sub.0.RDB{dense}.conv{conv + 1}.0", conv == 4 ? 8 : 4, 8 + conv * 4);
            }
        }
        Conv("model.1.sub.1", 8, 8);
        for (int doubling = 0; 1 << doubling < scale; doubling++)
        {
            Conv($"model.{3 + doubling * 3}", 8, 8);
        }
        Conv(hr, 8, 8);
        Conv(last, 3, 8);
        using var source = new ShapesOnly(shapes, "old names");
        var weights = new NetworkWeights(RRDBNetKeys.Rename(source));
        var config = RRDBNetConfig.FromWeights(weights);
        Assert.That(config.Scale, Is.EqualTo(scale));
        using var network = new RRDBNet(config, weights);
        using DisposeScope scope = NewDisposeScope();
        Assert.That(network.Forward(zeros(1, 3, 5, 7)).shape, Is.EqualTo(new long[] { 1, 3, 5 * scale, 7 * scale }));
    }

    [Test]
    public void RRDBNetKeys_NamesOfRealEsrgan_StayAsTheyAre()
    {
        using var source = WeightSource.Open(Directory.GetFiles(GoldenCase.InRepository("models/demo-upscaler"), "*.safetensors").Single());
        Assert.That(RRDBNetKeys.Rename(source), Is.SameAs(source));
    }

    [Test]
    public void Autoencoder_WithTheAttentionNamesOfOldFiles_DecodesTheSame()
    {
        string folder = GoldenCase.InRepository("models/demo/vae");
        AutoencoderConfig config = ConfigJson.Load<AutoencoderConfig>(Path.Combine(folder, "config.json"));
        using var source = WeightSource.Open(folder);
        (string New, string Old)[] names = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
        using var old = new RenamedWeights(
            source,
            source.Names.ToDictionary(
                name => names.Aggregate(name, (renamed, pair) => renamed.Replace(pair.New, pair.Old, StringComparison.Ordinal)),
                name => new WeightPiece(name),
                StringComparer.Ordinal
            ),
            owns: false
        );
        Assert.That(old.Names, Has.Some.Contains("proj_attn"));
        using var fromNew = new AutoencoderKL(config, new NetworkWeights(source));
        using var fromOld = new AutoencoderKL(config, new NetworkWeights(old));
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = randn(1, 4, 8, 8);
        Assert.That((fromOld.Decode(latents) - fromNew.Decode(latents)).abs().max().item<float>(), Is.Zero);
    }

    [TestCase(64, true)]
    [TestCase(64, false)]
    [TestCase(96, true)]
    public void ClipSeg_OfPicturesOfAnySide_GivesMapsOfThatSide(int side, bool complex)
    {
        ClipSegConfig config = ConfigJson.Parse<ClipSegConfig>(
            $$"""
            {
              "text_config": {"vocab_size": 20, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "eos_token_id": 19},
              "vision_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2,
              "image_size": 64, "patch_size": 16},
              "projection_dim": 12, "reduce_dim": 8, "decoder_intermediate_size": 16, "extract_layers": [0, 2], "conditional_layer": 1,
              "use_complex_transposed_convolution": {{(complex ? "true" : "false")}}
            }
            """
        );
        using CLIPSegModel network = RandomWeights.Build(weights => new CLIPSegModel(config, weights));
        using DisposeScope scope = NewDisposeScope();
        Tensor texts = network.TextEmbeds(tensor(new long[] { 18, 3, 4, 19, 18, 5, 19, 19 }).view(2, 4));
        Tensor logits = network.Forward(randn(2, 3, side, side), texts);
        Assert.That(logits.shape, Is.EqualTo(new long[] { 2, side, side }));
    }
}
