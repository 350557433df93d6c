using Generation.Diffusion;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Pipelines;
using Generation.Tests.Goldens;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Tests.Adapters;

/// <summary>LoRAs change exactly the layers that they name and leave without a trace.</summary>
public sealed class LoraTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("lora").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("diffusers")]
    [TestCase("kohya")]
    public void Apply_ThenDispose_LeavesTheWeightsBitEqual(string style)
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        var networks = Networks(model);
        var before = Bytes(networks);
        long live = TensorCount.Settled();
        using (var adapter = LoraAdapter.Load(Reference($"lora/{style}.safetensors")))
        {
            using var set = LoraSet.Apply(networks, [new LoraUse(adapter, 0.7)]);
            Assert.That(set.Count, Is.EqualTo(adapter.Count), "one weight a layer");
            var changed = Bytes(networks).Count(weight => !weight.Value.AsSpan().SequenceEqual(before[weight.Key]));
            Assert.That(changed, Is.EqualTo(adapter.Count), "weights that differ");
        }

        foreach (var (name, bytes) in Bytes(networks))
        {
            Assert.That(bytes.AsSpan().SequenceEqual(before[name]), name);
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
    }

    [Test]
    public void Apply_BothStylesOfOneLora_AgreeWithTheFormula()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
        var weight = model.UNet.Parameters[$"{Layer}.weight"];
        var original = weight.Value.clone();

        using var peft = SafetensorsFile.Open(Reference("lora/diffusers.safetensors"));
        var product = TorchExtras.product(peft.Read($"unet.{Layer}.lora_B.weight", ScalarType.Float32), peft.Read($"unet.{Layer}.lora_A.weight", ScalarType.Float32));
        using (var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors")))
        using (LoraSet.Apply(Networks(model), [new LoraUse(adapter, 0.4)]))
        {
            GoldenCase.AssertClose(weight.Value, original + product * 0.4, Layer, 1e-6);
        }

        using var kohya = SafetensorsFile.Open(Reference("lora/kohya.safetensors"));
        var flat = $"lora_unet_{Layer.Replace('.', '_')}";
        var down = kohya.Read($"{flat}.lora_down.weight", ScalarType.Float32);
        var scale = kohya.Read($"{flat}.alpha").item<float>() / down.shape[0];
        product = TorchExtras.product(kohya.Read($"{flat}.lora_up.weight", ScalarType.Float32), down);
        using (var adapter = LoraAdapter.Load(Reference("lora/kohya.safetensors")))
        using (LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]))
        {
            GoldenCase.AssertClose(weight.Value, original + product * scale, Layer, 1e-6);
        }
    }

    [Test]
    public void Apply_SeveralAtOnce_AddsTheirChanges()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.attentions.0.proj_in";
        var weight = model.UNet.Parameters[$"{Layer}.weight"];
        var original = weight.Value.clone();
        using var first = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        using var second = LoraAdapter.Load(Reference("lora/kohya.safetensors"));

        Tensor Alone(LoraUse use)
        {
            using var set = LoraSet.Apply(Networks(model), [use]);
            return weight.Value - original;
        }

        var expected = original + Alone(new LoraUse(first, 0.5)) + Alone(new LoraUse(second, -0.25));
        using (LoraSet.Apply(Networks(model), [new LoraUse(first, 0.5), new LoraUse(second, -0.25)]))
        {
            GoldenCase.AssertClose(weight.Value, expected, Layer, 1e-6);
        }

        using (LoraSet.Apply(Networks(model), [new LoraUse(first, 0)]))
        {
            Assert.That(weight.Value.equal(original).all().item<bool>(), "scale 0 changes nothing");
        }
    }

    [Test]
    public void Apply_TextEncoderScale_ActsOnTextEncodersOnly()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        var unet = Bytes(new() { ["unet"] = model.UNet.Parameters });
        var text = Bytes(new() { ["text_encoder"] = model.TextEncoder.Parameters });
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 0, TextEncoderScale: 1)]);
        Assert.Multiple(() =>
        {
            Assert.That(Bytes(new() { ["unet"] = model.UNet.Parameters }), Is.EqualTo(unet));
            Assert.That(Bytes(new() { ["text_encoder"] = model.TextEncoder.Parameters }), Is.Not.EqualTo(text));
        });
    }

    [Test]
    public void Apply_InBfloat16_KeepsTheTypeAndComesBack()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"), ScalarType.BFloat16);
        var before = Bytes(Networks(model));
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        using (LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]))
        {
            Assert.That(model.UNet.Parameters.Values.Select(p => p.Value.dtype), Is.All.EqualTo(ScalarType.BFloat16));
        }

        Assert.That(Bytes(Networks(model)), Is.EqualTo(before));
    }

    [Test]
    public void Apply_ConvolutionWithMidFactor_IsTheComposedConvolution()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.resnets.0.conv1";
        var weight = model.UNet.Parameters[$"{Layer}.weight"];
        var original = weight.Value.clone();
        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        var (down, mid, up) = (randn(3, inputs, 1, 1), randn(3, 3, 3, 3), randn(outputs, 3, 1, 1));
        var flat = $"lora_unet_{Layer.Replace('.', '_')}";
        var path = Write(("lora_down.weight", down), ("lora_mid.weight", mid), ("lora_up.weight", up), ("alpha", tensor(6f)));

        string Write(params (string Part, Tensor Value)[] parts) =>
            WriteFile(parts.Select(p => ($"{flat}.{p.Part}", p.Value)));

        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 0.5)]);
        // The three convolutions one after the other do what the merged one adds.
        var x = randn(1, inputs, 5, 5);
        long[] padding = [1, 1];
        var composed = nn.functional.conv2d(nn.functional.conv2d(nn.functional.conv2d(x, down), mid, padding: padding), up);
        var added = nn.functional.conv2d(x, weight.Value - original, padding: padding);
        GoldenCase.AssertClose(added, composed * (0.5 * 6 / 3), Layer, 1e-4);
    }

    [TestCase("input_blocks_1_1_transformer_blocks_0_attn1_to_q", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q")]
    [TestCase("middle_block_1_proj_in", "mid_block.attentions.0.proj_in")]
    [TestCase("middle_block_0_in_layers_2", "mid_block.resnets.0.conv1")]
    [TestCase("down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0")]
    public void Apply_NamesOfOtherPrograms_ReachTheSameLayer(string name, string layer)
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        var weight = model.UNet.Parameters[$"{layer}.weight"];
        var original = weight.Value.clone();
        var columns = weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        var (down, up) = (randn(2, columns), randn(weight.Shape[0], 2));
        var path = WriteFile([($"lora_unet_{name}.lora_down.weight", down), ($"lora_unet_{name}.lora_up.weight", up)]);
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        GoldenCase.AssertClose(weight.Value, original + TorchExtras.product(up, down).reshape(original.shape), layer, 1e-5);
    }

    [TestCase("sd15_layout", "model.diffusion_model.")]
    [TestCase("sdxl_layout", "model.diffusion_model.")]
    [TestCase("flux_dev", "")]
    public void Apply_EveryLayerOfAnOriginalCheckpoint_ReachesTheLayerWithItsWeight(string model, string prefix)
    {
        using var outer = NewDisposeScope();
        using var flux = prefix.Length == 0 ? FluxModel.FromPretrained(Reference(model)) : null;
        using var latent = flux is null ? LatentDiffusionModel.FromPretrained(Reference(model)) : null;
        var parameters = flux?.Transformer.Parameters ?? latent!.UNet.Parameters;
        using var file = SafetensorsFile.Open(Reference($"{model}/one_file.safetensors"));
        string[] keys = [.. file.Names.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && k.EndsWith(".weight", StringComparison.Ordinal) && file.Entry(k).Shape.Length >= 2)];
        // Each layer's change is one number of its own, by which it is found again.
        var tensors = new List<(string, Tensor)>();
        for (var k = 0; k < keys.Length; k++)
        {
            var shape = file.Entry(keys[k]).Shape;
            var name = $"lora_unet_{keys[k][prefix.Length..^".weight".Length].Replace('.', '_')}";
            tensors.Add(($"{name}.lora_down.weight", ones([1, .. shape[1..]])));
            tensors.Add(($"{name}.lora_up.weight", full([shape[0], 1, .. shape[2..].Select(_ => 1L)], 1000f * (k + 1))));
        }

        var before = parameters.Values.ToDictionary(p => p.Name, p => p.Value.clone(), StringComparer.Ordinal);
        using var adapter = LoraAdapter.Load(WriteFile(tensors));
        using var set = LoraSet.Apply(new Dictionary<string, ParameterStore> { [flux is null ? "unet" : "transformer"] = parameters }, [new LoraUse(adapter, 1)]);
        var reached = new Dictionary<int, List<Tensor>>();
        foreach (var parameter in parameters.Values)
        {
            var k = (int)Math.Round((parameter.Value - before[parameter.Name]).mean().item<float>() / 1000);
            if (k > 0)
            {
                reached.TryAdd(k - 1, []);
                reached[k - 1].Add(before[parameter.Name].flatten());
            }
        }

        Assert.That(reached.Keys, Is.EquivalentTo(Enumerable.Range(0, keys.Length)), "every layer is reached");
        foreach (var (k, parts) in reached)
        {
            // Parts of a fused layer come in any order here.
            var expected = file.Read(keys[k], ScalarType.Float32).flatten().sort().Values;
            Assert.That(cat(parts, 0).sort().Values.equal(expected).all().item<bool>(), keys[k]);
        }
    }

    [Test]
    public void Apply_FusedLayersOfFlux_AreSplitOntoOurs()
    {
        using var outer = NewDisposeScope();
        using var model = FluxModel.FromPretrained(Reference("flux_dev"));
        var parameters = model.Transformer.Parameters;
        string[] parts = ["to_q", "to_k", "to_v"];
        var originals = parts.Select(p => parameters[$"transformer_blocks.0.attn.{p}.weight"].Value.clone()).ToArray();
        var rows = originals.Sum(o => o.shape[0]);
        var (down, up) = (randn(2, originals[0].shape[1]), randn(rows, 2));
        var final = parameters["norm_out.linear.weight"];
        var originalFinal = final.Value.clone();
        var (finalDown, finalUp) = (randn(2, final.Shape[1]), randn(final.Shape[0], 2));
        var path = WriteFile([
            ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", down),
            ("lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", up),
            ("lora_unet_final_layer_adaLN_modulation_1.lora_down.weight", finalDown),
            ("lora_unet_final_layer_adaLN_modulation_1.lora_up.weight", finalUp)]);
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(new Dictionary<string, ParameterStore> { ["transformer"] = parameters }, [new LoraUse(adapter, 1)]);
        var delta = TorchExtras.product(up, down);
        long from = 0;
        for (var k = 0; k < parts.Length; k++)
        {
            GoldenCase.AssertClose(parameters[$"transformer_blocks.0.attn.{parts[k]}.weight"].Value, originals[k] + delta.narrow(0, from, originals[k].shape[0]), parts[k], 1e-5);
            from += originals[k].shape[0];
        }

        var halves = TorchExtras.product(finalUp, finalDown).chunk(2, 0);
        GoldenCase.AssertClose(final.Value, originalFinal + cat([halves[1], halves[0]], 0), "norm_out", 1e-5);
    }

    [Test]
    public void Load_MetadataOfPeft_GivesTheAlpha()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
        var weight = model.UNet.Parameters[$"{Layer}.weight"];
        var original = weight.Value.clone();
        var (down, up) = (randn(4, weight.Shape[1]), randn(weight.Shape[0], 4));
        var path = WriteFile(
            [($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up)],
            new Dictionary<string, string> { ["lora_adapter_metadata"] = """{"unet.r": 4, "unet.lora_alpha": 8, "unet.alpha_pattern": {}}""" });
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        GoldenCase.AssertClose(weight.Value, original + TorchExtras.product(up, down) * 2, Layer, 1e-5);
    }

    [Test]
    public void Load_UnknownKeys_ListsThem()
    {
        using var outer = NewDisposeScope();
        var path = WriteFile([("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", randn(2, 4)), ("something.else", randn(2)), ("x.hada_w1_a", randn(2))]);
        long live = TensorCount.Settled();
        var error = Assert.Throws<LoraException>(() => LoraAdapter.Load(path))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Message, Does.Contain(path).And.Contain("2 keys").And.Contain("something.else").And.Contain("x.hada_w1_a"));
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
        });
    }

    [Test]
    public void Load_HalfAPair_SaysWhichIsMissing()
    {
        using var outer = NewDisposeScope();
        var path = WriteFile([("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", randn(2, 4))]);
        Assert.That(() => LoraAdapter.Load(path), Throws.TypeOf<LoraException>().With.Message.Contains("up factor is missing"));
    }

    [Test]
    public void Apply_LayersThatAreNotThere_AreListedAndNothingChanges()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        var before = Bytes(Networks(model));
        var path = WriteFile([
            ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight", randn(2, 16)),
            ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight", randn(16, 2)),
            ("lora_unet_mid_block_attentions_9_proj_in.lora_down.weight", randn(2, 16)),
            ("lora_unet_mid_block_attentions_9_proj_in.lora_up.weight", randn(16, 2))]);
        using var adapter = LoraAdapter.Load(path);
        var error = Assert.Throws<LoraException>(() => LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Message, Does.Contain("1 layers that the model does not have").And.Contain("unet.mid_block_attentions_9_proj_in"));
            Assert.That(Bytes(Networks(model)), Is.EqualTo(before));
        });
    }

    [Test]
    public void Apply_LoraOfAnotherFamily_SaysSo()
    {
        using var outer = NewDisposeScope();
        using var model = LatentDiffusionModel.FromPretrained(Reference("sdxl"));
        using var flux = FluxModel.FromPretrained(Reference("flux_dev"));
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        Assert.Multiple(() =>
        {
            Assert.That(
                () => LoraSet.Apply(new Dictionary<string, ParameterStore> { ["unet"] = model.UNet.Parameters }, [new LoraUse(adapter, 1)]),
                Throws.TypeOf<LoraException>().With.Message.Contains("another family"));
            Assert.That(
                () => LoraSet.Apply(new Dictionary<string, ParameterStore> { ["transformer"] = flux.Transformer.Parameters, ["text_encoder"] = flux.TextEncoder.Parameters }, [new LoraUse(adapter, 1)]),
                Throws.TypeOf<LoraException>().With.Message.Contains("another family"));
        });
    }

    [Test]
    public void Dispose_OutOfOrder_IsRefused()
    {
        using var outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        var before = Bytes(Networks(model));
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        var first = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        var second = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        Assert.That(first.Dispose, Throws.InvalidOperationException.With.Message.Contains("remove the later change first"));
        second.Dispose();
        first.Dispose();
        Assert.That(Bytes(Networks(model)), Is.EqualTo(before));
    }

    private static string Reference(string path) => GoldenCase.InRepository("tests/Goldens/models/" + path);

    private static Dictionary<string, ParameterStore> Networks(StableDiffusionModel model) =>
        new(StringComparer.Ordinal) { ["unet"] = model.UNet.Parameters, ["text_encoder"] = model.TextEncoder.Parameters };

    private static Dictionary<string, byte[]> Bytes(Dictionary<string, ParameterStore> networks)
    {
        using var scope = NewDisposeScope();
        return networks.SelectMany(n => n.Value.Values.Select(p => (Name: $"{n.Key}.{p.Name}", p.Value)))
            .ToDictionary(p => p.Name, p => p.Value.contiguous().bytes.ToArray(), StringComparer.Ordinal);
    }

    private string WriteFile(IEnumerable<(string Name, Tensor Value)> tensors, Dictionary<string, string>? metadata = null)
    {
        var path = Path.Combine(_folder, "adapter.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Value)), metadata);
        return path;
    }
}
