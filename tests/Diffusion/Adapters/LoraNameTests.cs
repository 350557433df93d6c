using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Adapters;

/// <summary>The names that other programs give to layers lead to the same layers here.</summary>
public sealed class LoraNameTests : LoraFiles
{
    [TestCase("input_blocks_1_1_transformer_blocks_0_attn1_to_q", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q")]
    [TestCase("middle_block_1_proj_in", "mid_block.attentions.0.proj_in")]
    [TestCase("middle_block_0_in_layers_2", "mid_block.resnets.0.conv1")]
    [TestCase(
        "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
    )]
    public void Apply_NamesOfOtherPrograms_ReachTheSameLayer(string name, string layer)
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Parameter weight = model.UNet.Parameters[$"{layer}.weight"];
        Tensor original = weight.Value.clone();
        long columns = weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        (Tensor? down, Tensor? up) = (randn(2, columns), randn(weight.Shape[0], 2));
        string path = WriteFile([($"lora_unet_{name}.lora_down.weight", down), ($"lora_unet_{name}.lora_up.weight", up)]);
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(Networks(model), [new LoraUse(adapter, 1)]);
        GoldenCase.AssertClose(weight.Value, original + TorchExtras.product(up, down).reshape(original.shape), layer, 1e-5);
    }

    [TestCase("img_in", "transformer")]
    [TestCase("txt_in", "transformer")]
    [TestCase("time_in.in_layer", "transformer")]
    [TestCase("guidance_in.out_layer", "transformer")]
    [TestCase("final_layer.linear", "transformer")]
    [TestCase("time_text_embed.timestep_embedder.linear_1", "transformer")]
    [TestCase("norm_out.linear", "transformer")]
    [TestCase("proj_out", "transformer")]
    [TestCase("time_embed.0", "unet")]
    [TestCase("label_emb.0.2", "unet")]
    [TestCase("conv_in", "unet")]
    public void Marks_LayerOutsideTheBlocksAlone_TellsTheNetwork(string layer, string network)
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        string path = WriteFile([($"{layer}.lora_A.weight", ones(2, 8)), ($"{layer}.lora_B.weight", ones(8, 2))]);
        using var file = SafetensorsFile.Open(path);
        Assert.That(LoraMarks.Of(file).Denoiser, Is.EqualTo(network));
    }

    [TestCase("sd15_layout", "model.diffusion_model.")]
    [TestCase("sdxl_layout", "model.diffusion_model.")]
    [TestCase("flux_dev", "")]
    public void Apply_EveryLayerOfAnOriginalCheckpoint_ReachesTheLayerWithItsWeight(string model, string prefix)
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using FluxModel? flux = prefix.Length == 0 ? FluxModel.FromPretrained(Reference(model)) : null;
        using LatentDiffusionModel? latent = flux is null ? LatentDiffusionModel.FromPretrained(Reference(model)) : null;
        ParameterStore parameters = flux?.Transformer.Parameters ?? latent!.UNet.Parameters;
        using var file = SafetensorsFile.Open(Reference($"{model}/one_file.safetensors"));
        string[] keys =
        [
            .. file.Names.Where(k =>
                k.StartsWith(prefix, StringComparison.Ordinal)
                && k.EndsWith(".weight", StringComparison.Ordinal)
                && file.Entry(k).Shape.Length >= 2
            ),
        ];
        // Each layer's change is one number of its own, by which it is found again.
        var tensors = new List<(string, Tensor)>();
        for (int k = 0; k < keys.Length; k++)
        {
            long[] shape = file.Entry(keys[k]).Shape;
            string name = $"lora_unet_{keys[k][prefix.Length..^".weight".Length].Replace('.', '_')}";
            tensors.Add(($"{name}.lora_down.weight", ones([1, .. shape[1..]])));
            tensors.Add(($"{name}.lora_up.weight", full([shape[0], 1, .. shape[2..].Select(_ => 1L)], 1000f * (k + 1))));
        }

        var before = parameters.Values.ToDictionary(p => p.Name, p => p.Value.clone(), StringComparer.Ordinal);
        using var adapter = LoraAdapter.Load(WriteFile(tensors));
        using var set = LoraSet.Apply(
            new Dictionary<string, ParameterStore> { [flux is null ? "unet" : "transformer"] = parameters },
            [new LoraUse(adapter, 1)]
        );
        var reached = new Dictionary<int, List<Tensor>>();
        foreach (Parameter parameter in parameters.Values)
        {
            int k = (int)Math.Round((parameter.Value - before[parameter.Name]).mean().item<float>() / 1000);
            if (k > 0)
            {
                reached.TryAdd(k - 1, []);
                reached[k - 1].Add(before[parameter.Name].flatten());
            }
        }

        Assert.That(reached.Keys, Is.EquivalentTo(Enumerable.Range(0, keys.Length)), "every layer is reached");
        foreach ((int k, List<Tensor>? parts) in reached)
        {
            // Parts of a fused layer come in any order here.
            Tensor expected = file.Read(keys[k], ScalarType.Float32).flatten().sort().Values;
            Assert.That(cat(parts, 0).sort().Values.equal(expected).all().item<bool>(), keys[k]);
        }
    }

    [Test]
    public void Apply_FusedLayersOfFlux_AreSplitOntoOurs()
    {
        using TorchSharp.DisposeScope outer = NewDisposeScope();
        using var model = FluxModel.FromPretrained(Reference("flux_dev"));
        ParameterStore parameters = model.Transformer.Parameters;
        string[] parts = ["to_q", "to_k", "to_v"];
        Tensor[] originals = parts.Select(p => parameters[$"transformer_blocks.0.attn.{p}.weight"].Value.clone()).ToArray();
        long rows = originals.Sum(o => o.shape[0]);
        (Tensor? down, Tensor? up) = (randn(2, originals[0].shape[1]), randn(rows, 2));
        Parameter final = parameters["norm_out.linear.weight"];
        Tensor originalFinal = final.Value.clone();
        (Tensor? finalDown, Tensor? finalUp) = (randn(2, final.Shape[1]), randn(final.Shape[0], 2));
        string path = WriteFile([
            ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", down),
            ("lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", up),
            ("lora_unet_final_layer_adaLN_modulation_1.lora_down.weight", finalDown),
            ("lora_unet_final_layer_adaLN_modulation_1.lora_up.weight", finalUp),
        ]);
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(new Dictionary<string, ParameterStore> { ["transformer"] = parameters }, [new LoraUse(adapter, 1)]);
        Tensor delta = TorchExtras.product(up, down);
        long from = 0;
        for (int k = 0; k < parts.Length; k++)
        {
            GoldenCase.AssertClose(
                parameters[$"transformer_blocks.0.attn.{parts[k]}.weight"].Value,
                originals[k] + delta.narrow(0, from, originals[k].shape[0]),
                parts[k],
                1e-5
            );
            from += originals[k].shape[0];
        }

        Tensor[] halves = TorchExtras.product(finalUp, finalDown).chunk(2, 0);
        GoldenCase.AssertClose(final.Value, originalFinal + cat([halves[1], halves[0]], 0), "norm_out", 1e-5);
    }
}
