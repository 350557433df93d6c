using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

/// <summary>The keys and shapes of the real families: their checkpoints in one file come to what their folders hold.</summary>
public sealed class CheckpointListsTests
{
    private static readonly string[] Training =
    [
        "betas",
        "alphas_cumprod",
        "model_ema.decay",
        "model_ema.diffusion_modelinput_blocks00weight",
    ];

    private static IEnumerable<TestCaseData> Lists() =>
        Directory
            .EnumerateFiles(GoldenCase.GroupFolder("checkpoints"), "*.json.gz")
            .Order(StringComparer.Ordinal)
            .Select(path => (Path: path, Json: CheckpointTable.Read(path)))
            .Where(list => list.Json.GetProperty("one_file").EnumerateObject().Any())
            .Select(list => new TestCaseData(list.Json).SetArgDisplayNames(Path.GetFileName(list.Path)));

    [TestCaseSource(nameof(Lists))]
    public void Open_OneFile_GivesTheFoldersKeysAndShapes(JsonElement list)
    {
        Dictionary<string, long[]> keys = CheckpointTable.Shapes(list.GetProperty("one_file"));
        foreach (string leftover in Training.Where(_ => keys.ContainsKey("model.diffusion_model.out.0.weight")))
        {
            keys[leftover] = [1];
        }

        foreach (
            string table in keys
                .Keys.Where(key => key.EndsWith("text_model.embeddings.token_embedding.weight", StringComparison.Ordinal))
                .ToArray()
        )
        {
            keys[table.Replace("token_embedding.weight", "position_ids", StringComparison.Ordinal)] = [1, 77];
        }

        using var source = new CheckpointTable(keys);
        var layout = CheckpointLayout.Of(source);
        foreach (JsonProperty component in list.GetProperty("diffusers").EnumerateObject())
        {
            Dictionary<string, long[]> wanted = CheckpointTable.Shapes(component.Value);
            using WeightSource found = layout.Open(source, component.Name);
            Assert.That(found.Names, Is.EquivalentTo(wanted.Keys), component.Name);
            Assert.That(
                wanted.Where(key => !found.Entry(key.Key).Shape.AsSpan().SequenceEqual(key.Value)).Select(key => key.Key),
                Is.Empty,
                component.Name
            );
        }
    }

    [TestCaseSource(nameof(Lists))]
    public void Of_OneFile_KnowsTheFamily(JsonElement list)
    {
        using var source = new CheckpointTable(CheckpointTable.Shapes(list.GetProperty("one_file")));
        string family = list.GetProperty("family").GetString()!;
        string? expected = family switch
        {
            "sd15_inpaint" or "instruct_pix2pix" => "sd15",
            "flux_vae" => null,
            _ => family.Replace('_', '-'),
        };
        Assert.That(CheckpointLayout.Of(source).Published?.Name, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Lists))]
    public void Configs_OfTheFamily_BuildNetworksThatTakeTheRealKeys(JsonElement list)
    {
        using var source = new CheckpointTable(CheckpointTable.Shapes(list.GetProperty("one_file")));
        var layout = CheckpointLayout.Of(source);
        foreach (string component in list.GetProperty("diffusers").EnumerateObject().Select(component => component.Name))
        {
            if (layout.Published is not { } family)
            {
                Assert.That(component, Is.EqualTo("vae"), "an autoencoder alone tells no family");
                continue;
            }

            JsonObject config = family.Configs[component].DeepClone().AsObject();
            foreach ((string name, JsonNode value) in layout.Found(component))
            {
                config[name] = value.DeepClone();
            }

            using WeightSource named = layout.Open(source, component);
            using Network network = Build(component, config.ToJsonString(), new NetworkWeights(named, ScalarType.Float16));
            Assert.That(network.Parameters.Count, Is.EqualTo(named.Names.Count), component);
        }
    }

    [Test]
    public void Open_ControlNetOfTheOriginalCode_GivesTheFoldersKeys()
    {
        JsonElement unet = CheckpointTable.Read(GoldenCase.InRepository("tests/Goldens/checkpoints/sd15.json.gz")).GetProperty("one_file");
        JsonElement folder = CheckpointTable
            .Read(GoldenCase.InRepository("tests/Goldens/checkpoints/sd15_controlnet.json.gz"))
            .GetProperty("diffusers")
            .GetProperty("controlnet");
        var keys = CheckpointTable
            .Shapes(unet)
            .Where(key =>
                key.Key.StartsWith("model.diffusion_model.", StringComparison.Ordinal)
                && !key.Key.Contains("output_blocks", StringComparison.Ordinal)
                && !key.Key.Contains(".out.", StringComparison.Ordinal)
            )
            .ToDictionary(
                key => key.Key.Replace("model.diffusion_model", "control_model", StringComparison.Ordinal),
                key => key.Value,
                StringComparer.Ordinal
            );
        int[] skips = [320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280, 1280, 1280];
        int[] hints = [3, 16, 16, 32, 32, 96, 96, 256, 320];
        for (int i = 0; i < skips.Length; i++)
        {
            keys[$"control_model.zero_convs.{i}.0.weight"] = [skips[i], skips[i], 1, 1];
            keys[$"control_model.zero_convs.{i}.0.bias"] = [skips[i]];
        }

        for (int i = 0; i + 1 < hints.Length; i++)
        {
            keys[$"control_model.input_hint_block.{2 * i}.weight"] = [hints[i + 1], hints[i], 3, 3];
            keys[$"control_model.input_hint_block.{2 * i}.bias"] = [hints[i + 1]];
        }

        keys["control_model.middle_block_out.0.weight"] = [1280, 1280, 1, 1];
        keys["control_model.middle_block_out.0.bias"] = [1280];
        using WeightSource named = ControlNetFile.Open(new CheckpointTable(keys), out ControlNetConfig config);
        Dictionary<string, long[]> wanted = CheckpointTable.Shapes(folder);
        Assert.That(named.Names, Is.EquivalentTo(wanted.Keys));
        Assert.That(wanted.Where(key => !named.Entry(key.Key).Shape.AsSpan().SequenceEqual(key.Value)).Select(key => key.Key), Is.Empty);
        using var network = new ControlNetModel(config, new NetworkWeights(named, ScalarType.Float16));
        Assert.That(network.Parameters.Count, Is.EqualTo(wanted.Count));
    }

    [Test]
    public void Open_OneFileBesideAFolder_HoldsTheSameBits()
    {
        string[] files =
        [
            .. Directory.EnumerateFiles(GoldenCase.GroupFolder("models"), "one_file.safetensors", SearchOption.AllDirectories),
        ];
        Assert.That(files, Is.Not.Empty);
        foreach (string path in files)
        {
            var one = ModelFiles.Open(path);
            var folder = ModelFiles.Open(Path.GetDirectoryName(path)!);
            foreach (string component in new[] { "unet", "transformer", "vae", "text_encoder", "text_encoder_2" }.Where(folder.Has))
            {
                using DisposeScope scope = NewDisposeScope();
                using WeightSource actual = one.Weights(component);
                using WeightSource expected = folder.Weights(component);
                foreach (string name in expected.Names.Where(name => !IgnoredKeys.Contains(name)))
                {
                    Assert.That(actual.Read(name).eq(expected.Read(name)).all().item<bool>(), Is.True, $"{path}: {component}: {name}");
                }
            }
        }
    }

    [Test]
    public void Of_KeysOfNoPart_AreListedAndLeftOut()
    {
        using var source = new CheckpointTable(
            new Dictionary<string, long[]>(StringComparer.Ordinal)
            {
                ["first_stage_model.quant_conv.weight"] = [8, 8, 1, 1],
                ["something.else"] = [1],
            }
        );
        var layout = CheckpointLayout.Of(source);
        Assert.That(layout.Unknown, Is.EqualTo(new[] { "something.else" }));
        using WeightSource vae = layout.Open(source, "vae");
        Assert.That(vae.Names, Is.EqualTo(new[] { "quant_conv.weight" }));
    }

    [Test]
    public void Of_NoKnownKeys_SaysSo()
    {
        using var source = new CheckpointTable(new Dictionary<string, long[]>(StringComparer.Ordinal) { ["layer.weight"] = [1] });
        Assert.That(() => CheckpointLayout.Of(source), Throws.TypeOf<WeightsException>().With.Message.Contains("layer.weight"));
    }

    private static Network Build(string component, string config, NetworkWeights weights) =>
        component switch
        {
            "unet" => new UNet2DConditionModel(ConfigJson.Parse<UNetConfig>(config), weights),
            "vae" => new AutoencoderKL(ConfigJson.Parse<AutoencoderConfig>(config), weights),
            "transformer" => new FluxTransformer2DModel(ConfigJson.Parse<FluxConfig>(config), weights),
            _ => new CLIPTextModel(ConfigJson.Parse<ClipTextConfig>(config), weights),
        };
}
