using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Adapters;

/// <summary>LoRAs change exactly the layers that they name and leave without a trace.</summary>
public sealed class LoraTests : LoraFiles
{
    [TestCase("diffusers")]
    [TestCase("kohya")]
    public void Apply_ThenDispose_LeavesTheWeightsBitEqual(string style)
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Dictionary<string, ParameterStore> networks = Networks(model);
        Dictionary<string, byte[]> before = Bytes(networks);
        long live = TensorCount.Settled();
        using (var adapter = LoraAdapter.Load(Reference($"lora/{style}.safetensors")))
        {
            using var set = LoraSet.Apply(networks, [new LoraUse(adapter, 0.7)]);
            Assert.That(set.Count, Is.EqualTo(adapter.Count), "one weight a layer");
            int changed = Bytes(networks).Count(weight => !weight.Value.AsSpan().SequenceEqual(before[weight.Key]));
            Assert.That(changed, Is.EqualTo(adapter.Count), "weights that differ");
        }

        foreach ((string? name, byte[]? bytes) in Bytes(networks))
        {
            Assert.That(bytes.AsSpan().SequenceEqual(before[name]), name);
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
    }

    [Test]
    public void Apply_BothStylesOfOneLora_AgreeWithTheFormula()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
        Parameter weight = model.UNet.Parameters[$"{Layer}.weight"];
        Tensor original = weight.Value.clone();

        using var peft = SafetensorsFile.Open(Reference("lora/diffusers.safetensors"));
        Tensor product = TorchExtras.product(
            peft.Read($"unet.{Layer}.lora_B.weight", ScalarType.Float32),
            peft.Read($"unet.{Layer}.lora_A.weight", ScalarType.Float32)
        );
        using (var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors")))
        using (LoraSet.Apply(Networks(model), [new LoraUse(adapter, 0.4)]))
        {
            GoldenCase.AssertClose(weight.Value, original + product * 0.4, Layer, 1e-6);
        }

        using var kohya = SafetensorsFile.Open(Reference("lora/kohya.safetensors"));
        string flat = $"lora_unet_{Layer.Replace('.', '_')}";
        Tensor down = kohya.Read($"{flat}.lora_down.weight", ScalarType.Float32);
        float scale = kohya.Read($"{flat}.alpha").item<float>() / down.shape[0];
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
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.attentions.0.proj_in";
        Parameter weight = model.UNet.Parameters[$"{Layer}.weight"];
        Tensor original = weight.Value.clone();
        using var first = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        using var second = LoraAdapter.Load(Reference("lora/kohya.safetensors"));

        Tensor Alone(LoraUse use)
        {
            using var set = LoraSet.Apply(Networks(model), [use]);
            return weight.Value - original;
        }

        Tensor expected = original + Alone(new LoraUse(first, 0.5)) + Alone(new LoraUse(second, -0.25));
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
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Dictionary<string, byte[]> unet = Bytes(new() { ["unet"] = model.UNet.Parameters });
        Dictionary<string, byte[]> text = Bytes(new() { ["text_encoder"] = model.TextEncoder.Parameters });
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
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"), ScalarType.BFloat16);
        Dictionary<string, byte[]> before = Bytes(Networks(model));
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
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.resnets.0.conv1";
        Parameter weight = model.UNet.Parameters[$"{Layer}.weight"];
        Tensor original = weight.Value.clone();
        (long outputs, long inputs) = (weight.Shape[0], weight.Shape[1]);
        (Tensor? down, Tensor? mid, Tensor? up) = (randn(3, inputs, 1, 1), randn(3, 3, 3, 3), randn(outputs, 3, 1, 1));
        string flat = $"lora_unet_{Layer.Replace('.', '_')}";
        string path = Write(("lora_down.weight", down), ("lora_mid.weight", mid), ("lora_up.weight", up), ("alpha", tensor(6f)));

        string Write(params (string Part, Tensor Value)[] parts) => WriteFile(parts.Select(p => ($"{flat}.{p.Part}", p.Value)));

        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 0.5)]);
        // The three convolutions one after the other do what the merged one adds.
        Tensor x = randn(1, inputs, 5, 5);
        long[] padding = [1, 1];
        Tensor composed = nn.functional.conv2d(nn.functional.conv2d(nn.functional.conv2d(x, down), mid, padding: padding), up);
        Tensor added = nn.functional.conv2d(x, weight.Value - original, padding: padding);
        GoldenCase.AssertClose(added, composed * (0.5 * 6 / 3), Layer, 1e-4);
    }

    [Test]
    public void Load_MetadataOfPeft_GivesTheAlpha()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
        Parameter weight = model.UNet.Parameters[$"{Layer}.weight"];
        Tensor original = weight.Value.clone();
        (Tensor? down, Tensor? up) = (randn(4, weight.Shape[1]), randn(weight.Shape[0], 4));
        string path = WriteFile(
            [($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up)],
            new Dictionary<string, string>
            {
                ["lora_adapter_metadata"] = """{"unet.r": 4, "unet.lora_alpha": 8, "unet.alpha_pattern": {}}""",
            }
        );
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        GoldenCase.AssertClose(weight.Value, original + TorchExtras.product(up, down) * 2, Layer, 1e-5);
    }

    [Test]
    public void Load_UnknownKeys_ListsThem()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        string path = WriteFile([
            ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", randn(2, 4)),
            ("something.else", randn(2)),
            ("x.hada_w1_a", randn(2)),
        ]);
        long live = TensorCount.Settled();
        LoraException error = Assert.Throws<LoraException>(() => LoraAdapter.Load(path))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Message, Does.Contain(path).And.Contain("2 keys").And.Contain("something.else").And.Contain("x.hada_w1_a"));
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
        });
    }

    [Test]
    public void Load_HalfAPair_SaysWhichIsMissing()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        string path = WriteFile([("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", randn(2, 4))]);
        Assert.That(() => LoraAdapter.Load(path), Throws.TypeOf<LoraException>().With.Message.Contains("up factor is missing"));
    }

    [Test]
    public void Apply_LayersThatAreNotThere_AreListedAndNothingChanges()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Dictionary<string, byte[]> before = Bytes(Networks(model));
        string path = WriteFile([
            ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight", randn(2, 16)),
            ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight", randn(16, 2)),
            ("lora_unet_mid_block_attentions_9_proj_in.lora_down.weight", randn(2, 16)),
            ("lora_unet_mid_block_attentions_9_proj_in.lora_up.weight", randn(16, 2)),
        ]);
        using var adapter = LoraAdapter.Load(path);
        LoraException error = Assert.Throws<LoraException>(() => LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]))!;
        Assert.Multiple(() =>
        {
            Assert.That(
                error.Message,
                Does.Contain("1 layers that the model does not have").And.Contain("unet.mid_block_attentions_9_proj_in")
            );
            Assert.That(Bytes(Networks(model)), Is.EqualTo(before));
        });
    }

    [Test]
    public void Apply_LoraOfAnotherFamily_SaysSo()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = LatentDiffusionModel.FromPretrained(Reference("sdxl"));
        using var flux = FluxModel.FromPretrained(Reference("flux_dev"));
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        Assert.Multiple(() =>
        {
            Assert.That(
                () => LoraSet.Apply(new Dictionary<string, ParameterStore> { ["unet"] = model.UNet.Parameters }, [new LoraUse(adapter, 1)]),
                Throws.TypeOf<LoraException>().With.Message.Contains("another family")
            );
            Assert.That(
                () =>
                    LoraSet.Apply(
                        new Dictionary<string, ParameterStore>
                        {
                            ["transformer"] = flux.Transformer.Parameters,
                            ["text_encoder"] = flux.TextEncoder.Parameters,
                        },
                        [new LoraUse(adapter, 1)]
                    ),
                Throws.TypeOf<LoraException>().With.Message.Contains("another family")
            );
        });
    }

    [Test]
    public void Dispose_OutOfOrder_IsRefused()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Dictionary<string, byte[]> before = Bytes(Networks(model));
        using var adapter = LoraAdapter.Load(Reference("lora/diffusers.safetensors"));
        var first = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        var second = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        Assert.That(first.Dispose, Throws.InvalidOperationException.With.Message.Contains("remove the later change first"));
        second.Dispose();
        first.Dispose();
        Assert.That(Bytes(Networks(model)), Is.EqualTo(before));
    }
}
