using System.Text.Json.Nodes;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusionXL;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

/// <summary>Checkpoints in one file whose lists are not among the reference data: what their keys, shapes and marks tell.</summary>
public sealed class OneFileFamiliesTests
{
    private static string List(string family) => GoldenCase.InRepository($"tests/Goldens/checkpoints/{family}.json.gz");

    // Stable Diffusion 2 for 512 pixels predicts noise, for 768 velocities; diffusers goes by the steps that it was trained for.
    [TestCase(4, "", "", "v_prediction", 96)]
    [TestCase(4, "global_step", "875000", "epsilon", 64)]
    [TestCase(4, "global_step", "110000", "v_prediction", 96)]
    [TestCase(4, "modelspec.prediction_type", "epsilon", "epsilon", 64)]
    [TestCase(4, "modelspec.prediction_type", "v", "v_prediction", 96)]
    [TestCase(4, "modelspec.architecture", "stable-diffusion-v2-512", "epsilon", 64)]
    [TestCase(4, "modelspec.architecture", "stable-diffusion-v2-768-v", "v_prediction", 96)]
    [TestCase(9, "", "", "epsilon", 64)]
    public void Found_StableDiffusion2_TellsWhatItPredicts(int inputs, string mark, string value, string prediction, int sampleSize)
    {
        Dictionary<string, long[]> keys = CheckpointTable.Shapes(CheckpointTable.Read(List("sd21")).GetProperty("one_file"));
        keys["model.diffusion_model.input_blocks.0.0.weight"] = [320, inputs, 3, 3];
        bool isTensor = mark == "global_step";
        if (isTensor)
        {
            keys[mark] = [];
        }

        using var source = new CheckpointTable(keys)
        {
            Value = isTensor ? double.Parse(value, System.Globalization.CultureInfo.InvariantCulture) : 0,
        };
        if (mark.Contains('.', StringComparison.Ordinal))
        {
            source.Said[mark] = value;
        }

        var layout = CheckpointLayout.Of(source);
        Assert.Multiple(() =>
        {
            Assert.That(layout.Published?.Name, Is.EqualTo("sd21"));
            Assert.That((string?)layout.Found("scheduler")["prediction_type"], Is.EqualTo(prediction));
            Assert.That(
                (int?)layout.Found("unet").GetValueOrDefault("sample_size") ?? (int?)layout.Published!.Configs["unet"]["sample_size"],
                Is.EqualTo(sampleSize)
            );
            Assert.That((int?)layout.Found("unet")["in_channels"], Is.EqualTo(inputs));
        });
    }

    [Test]
    public void Found_MarksOfVelocities_SetTheScheduleOfAnyFamily()
    {
        Dictionary<string, long[]> keys = CheckpointTable.Shapes(CheckpointTable.Read(List("sdxl")).GetProperty("one_file"));
        using (var plain = new CheckpointTable(keys))
        {
            Assert.That(CheckpointLayout.Of(plain).Found("scheduler"), Is.Empty);
        }

        keys["v_pred"] = [];
        keys["ztsnr"] = [];
        using var marked = new CheckpointTable(keys);
        IReadOnlyDictionary<string, JsonNode> found = CheckpointLayout.Of(marked).Found("scheduler");
        Assert.Multiple(() =>
        {
            Assert.That((string?)found["prediction_type"], Is.EqualTo("v_prediction"));
            Assert.That((bool?)found["rescale_betas_zero_snr"], Is.True);
            Assert.That((string?)found["timestep_spacing"], Is.EqualTo("trailing"));
        });
    }

    [Test]
    public void Open_SdxlRefiner_IsItsFamilyAndTakesExactlyItsKeys()
    {
        // Its autoencoder is SDXL's, its text encoder SDXL's second
        var keys = CheckpointTable
            .Shapes(CheckpointTable.Read(List("sdxl")).GetProperty("one_file"))
            .Where(key =>
                !key.Key.StartsWith("model.diffusion_model.", StringComparison.Ordinal)
                && !key.Key.StartsWith("conditioner.embedders.0.", StringComparison.Ordinal)
            )
            .ToDictionary(
                key => key.Key.Replace("conditioner.embedders.1.", "conditioner.embedders.0.", StringComparison.Ordinal),
                key => key.Value,
                StringComparer.Ordinal
            );
        foreach (
            (string key, long[] shape) in new OriginalUNet
            {
                Channels = 384,
                Multiples = [1, 2, 4, 4],
                Attention = [1, 2],
                Depth = 4,
                Context = 1280,
                Conditions = 2560,
            }.Keys()
        )
        {
            keys.Add("model.diffusion_model." + key, shape);
        }

        using var source = new CheckpointTable(keys);
        var layout = CheckpointLayout.Of(source);
        Assert.That(layout.Published, Is.SameAs(StableDiffusionXLFamily.SdxlRefiner));
        foreach (string component in new[] { "unet", "vae", "text_encoder_2" })
        {
            JsonObject config = layout.Published!.Configs[component].DeepClone().AsObject();
            using WeightSource named = layout.Open(source, component);
            var weights = new NetworkWeights(named, ScalarType.Float16);
            using Network network = component switch
            {
                "unet" => new UNet2DConditionModel(ConfigJson.Parse<UNetConfig>(config.ToJsonString()), weights),
                "vae" => new AutoencoderKL(ConfigJson.Parse<AutoencoderConfig>(config.ToJsonString()), weights),
                _ => new CLIPTextModel(ConfigJson.Parse<ClipTextConfig>(config.ToJsonString()), weights),
            };
            Assert.That(network.Parameters.Count, Is.EqualTo(named.Names.Count), component);
        }
    }

    /// <summary>
    /// The keys of a UNet in the original code, as its constructor builds it: ldm/modules/diffusionmodules/openaimodel.py of Stability AI's
    /// generative-models.
    /// </summary>
    private sealed class OriginalUNet
    {
        private readonly Dictionary<string, long[]> _keys = new(StringComparer.Ordinal);

        public required long Channels { get; init; }

        public required long[] Multiples { get; init; }

        /// <summary>Levels that have attention.</summary>
        public required int[] Attention { get; init; }

        public required int Depth { get; init; }

        public required long Context { get; init; }

        public required long Conditions { get; init; }

        private long Time => 4 * Channels;

        public Dictionary<string, long[]> Keys()
        {
            Layer("time_embed.0", Time, Channels);
            Layer("time_embed.2", Time, Time);
            Layer("label_emb.0.0", Time, Conditions);
            Layer("label_emb.0.2", Time, Time);
            Layer("input_blocks.0.0", Channels, 4, 3, 3);
            var skips = new Stack<long>([Channels]);
            long channels = Channels;
            int block = 1;
            for (int level = 0; level < Multiples.Length; level++)
            {
                for (int i = 0; i < 2; i++, block++)
                {
                    Resnet($"input_blocks.{block}.0", channels, channels = Multiples[level] * Channels);
                    Transformer($"input_blocks.{block}.1", channels, level);
                    skips.Push(channels);
                }

                if (level + 1 < Multiples.Length)
                {
                    Layer($"input_blocks.{block++}.0.op", channels, channels, 3, 3);
                    skips.Push(channels);
                }
            }

            Resnet("middle_block.0", channels, channels);
            Transformer("middle_block.1", channels, Attention[0]);
            Resnet("middle_block.2", channels, channels);
            block = 0;
            for (int level = Multiples.Length - 1; level >= 0; level--)
            {
                for (int i = 0; i < 3; i++, block++)
                {
                    Resnet($"output_blocks.{block}.0", channels + skips.Pop(), channels = Multiples[level] * Channels);
                    Transformer($"output_blocks.{block}.1", channels, level);
                    if (i == 2 && level > 0)
                    {
                        Layer($"output_blocks.{block}.{(Attention.Contains(level) ? 2 : 1)}.conv", channels, channels, 3, 3);
                    }
                }
            }

            Norm("out.0", channels);
            Layer("out.2", 4, channels, 3, 3);
            return _keys;
        }

        private void Resnet(string name, long from, long to)
        {
            Norm($"{name}.in_layers.0", from);
            Layer($"{name}.in_layers.2", to, from, 3, 3);
            Layer($"{name}.emb_layers.1", to, Time);
            Norm($"{name}.out_layers.0", to);
            Layer($"{name}.out_layers.3", to, to, 3, 3);
            if (from != to)
            {
                Layer($"{name}.skip_connection", to, from, 1, 1);
            }
        }

        private void Transformer(string name, long channels, int level)
        {
            if (!Attention.Contains(level))
            {
                return;
            }

            Norm($"{name}.norm", channels);
            Layer($"{name}.proj_in", channels, channels);
            Layer($"{name}.proj_out", channels, channels);
            for (int i = 0; i < Depth; i++)
            {
                string inner = $"{name}.transformer_blocks.{i}";
                foreach ((string attention, long features) in new[] { ("attn1", channels), ("attn2", Context) })
                {
                    _keys.Add($"{inner}.{attention}.to_q.weight", [channels, channels]);
                    _keys.Add($"{inner}.{attention}.to_k.weight", [channels, features]);
                    _keys.Add($"{inner}.{attention}.to_v.weight", [channels, features]);
                    Layer($"{inner}.{attention}.to_out.0", channels, channels);
                }

                Layer($"{inner}.ff.net.0.proj", 8 * channels, channels);
                Layer($"{inner}.ff.net.2", channels, 4 * channels);
                Norm($"{inner}.norm1", channels);
                Norm($"{inner}.norm2", channels);
                Norm($"{inner}.norm3", channels);
            }
        }

        private void Layer(string name, params long[] shape)
        {
            _keys.Add(name + ".weight", shape);
            _keys.Add(name + ".bias", [shape[0]]);
        }

        private void Norm(string name, long channels) => Layer(name, channels);
    }
}
