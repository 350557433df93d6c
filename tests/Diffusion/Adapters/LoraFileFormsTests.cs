using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Adapters;

/// <summary>LoRA files as the programs that people train with have written them: other names, other parts, damaged values.</summary>
[NonParallelizable]
public sealed class LoraFileFormsTests
{
    private const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k";
    private const string TextLayer = "text_model.encoder.layers.0.self_attn.q_proj";

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("lora").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("unet.{0}.lora_A.weight", "unet.{0}.lora_B.weight")]
    [TestCase("unet.unet.{0}.lora_A.weight", "unet.unet.{0}.lora_B.weight")]
    [TestCase("base_model.model.{0}.lora_A.weight", "base_model.model.{0}.lora_B.weight")]
    [TestCase("base_model.model.unet.{0}.lora_A.weight", "base_model.model.unet.{0}.lora_B.weight")]
    [TestCase("unet.base_model.model.{0}.lora_A.weight", "unet.base_model.model.{0}.lora_B.weight")]
    [TestCase("unet.{0}.lora_A.default.weight", "unet.{0}.lora_B.default.weight")]
    [TestCase("unet.{0}.lora_A.default_0.weight", "unet.{0}.lora_B.default_0.weight")]
    [TestCase("base_model.model.{0}.lora_A.my style.weight", "base_model.model.{0}.lora_B.my style.weight")]
    [TestCase("{0}.lora_A.weight", "{0}.lora_B.weight")]
    [TestCase("{0}.lora.down.weight", "{0}.lora.up.weight")]
    [TestCase("unet.{0}.lora.down.weight", "unet.{0}.lora.up.weight")]
    [TestCase("unet.{0}.lora_linear_layer.down.weight", "unet.{0}.lora_linear_layer.up.weight")]
    [TestCase("unet.{1}.processor.{2}_lora.down.weight", "unet.{1}.processor.{2}_lora.up.weight")]
    [TestCase("{1}.processor.{2}_lora.down.weight", "{1}.processor.{2}_lora.up.weight")]
    [TestCase("diffusion_model.{0}.lora_A.weight", "diffusion_model.{0}.lora_B.weight")]
    [TestCase("model.diffusion_model.{0}.lora_A.weight", "model.diffusion_model.{0}.lora_B.weight")]
    [TestCase("module.unet.{0}.lora_A.weight", "module.unet.{0}.lora_B.weight")]
    public void Apply_EveryStyleOfNames_ChangesTheSameWeight(string down, string up)
    {
        string Name(string style) =>
            string.Format(System.Globalization.CultureInfo.InvariantCulture, style, Layer, Layer[..^".to_k".Length], "to_k");
        AdapterFit fit = AssertChanges(model => model.UNet.Parameters[$"{Layer}.weight"], Name(down), Name(up));
        Assert.That(fit.Fits(Widths("sdxl")), Is.False, "it does not fit another family");
    }

    [TestCase(
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight"
    )]
    [TestCase(
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight"
    )]
    [TestCase("lora_te_encoder_layers_0_self_attn_q_proj.lora_down.weight", "lora_te_encoder_layers_0_self_attn_q_proj.lora_up.weight")]
    [TestCase("text_encoder.{0}.lora_linear_layer.down.weight", "text_encoder.{0}.lora_linear_layer.up.weight")]
    [TestCase("base_model.model.{0}.lora_A.weight", "base_model.model.{0}.lora_B.weight")]
    [TestCase("text_encoder.base_model.model.{0}.lora_A.default.weight", "text_encoder.base_model.model.{0}.lora_B.default.weight")]
    public void Apply_TextEncoderAlone_ChangesItInAnyStyle(string down, string up)
    {
        string Name(string style) => style.Replace("{0}", TextLayer, StringComparison.Ordinal);
        AssertChanges(model => model.TextEncoder.Parameters[$"{TextLayer}.weight"], Name(down), Name(up));
    }

    /// <summary>A file with a change of one weight under these names changes just so this weight, and fits its model.</summary>
    private AdapterFit AssertChanges(Func<StableDiffusionModel, Parameter> weightOf, string down, string up)
    {
        using DisposeScope outer = NewDisposeScope();
        using var model = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Reference("sd15"));
        Parameter weight = weightOf(model);
        (Tensor a, Tensor b) = Factors(weight);
        Tensor expected = weight.Value + TorchExtras.product(b, a);
        string path = WriteFile((down, a), (up, b));
        using var adapter = LoraAdapter.Load(path);
        using var set = LoraSet.Apply(model.Adaptable, [new LoraUse(adapter, 1)]);
        GoldenCase.AssertClose(weight.Value, expected, down, 1e-5);
        Assert.That(Fit(path).Fits(Widths("sd15")), "it fits the model");
        return Fit(path);
    }

    [TestCase("mid_block_attentions_0_proj_in")]
    [TestCase("mid_block_attentions_0_transformer_blocks_0_attn1_to_q")]
    [TestCase("mid_block_attentions_0_transformer_blocks_0_ff_net_2")]
    [TestCase("mid_block_resnets_0_conv1")]
    public void FitOfLora_WithoutCrossAttention_SpeaksAgainstNoModelWithSuchANetwork(string layer)
    {
        using DisposeScope outer = NewDisposeScope();
        string path = WriteFile(($"lora_unet_{layer}.lora_down.weight", randn(4, 16)), ($"lora_unet_{layer}.lora_up.weight", randn(16, 4)));
        AdapterFit fit = Fit(path);
        Assert.Multiple(() =>
        {
            Assert.That(fit.Fits(Widths("sd15")));
            Assert.That(fit.Fits(Widths("sdxl")));
            Assert.That(fit.Fits(Widths("flux_dev")), Is.False, "FLUX has no UNet");
            Assert.That(fit.Family, Is.EqualTo("with a unet"));
        });
    }

    [Test]
    public void FitOfLora_FactorsAsConvolutions_AreReadByTheirChannels()
    {
        using DisposeScope outer = NewDisposeScope();
        string path = WriteFile(
            ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", randn(4, 768, 1, 1)),
            ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight", randn(640, 4, 1, 1))
        );
        Assert.That(Fit(path).Family, Is.EqualTo("sd15"));
    }

    [TestCase("modelspec.architecture", "stable-diffusion-xl-v1-base/lora", "sdxl")]
    [TestCase("modelspec.architecture", "stable-diffusion-v1/lora", "sd15")]
    [TestCase("ss_base_model_version", "sd_v2_768_v", "sd21")]
    [TestCase("ss_base_model_version", "sdxl_base_v1-0", "sdxl")]
    public void FitOfLora_WhatItsTrainerWrote_TellsWhereShapesDoNot(string key, string value, string family)
    {
        using DisposeScope outer = NewDisposeScope();
        string path = WriteFile(
            [
                ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", randn(4, 16)),
                ("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", randn(16, 4)),
            ],
            new Dictionary<string, string> { [key] = value }
        );
        Assert.That(Fit(path).Family, Is.EqualTo(family));
    }

    [Test]
    public void FitOfLora_SecondTextEncoderOrDeepAttention_RulesOutModelsWithoutThem()
    {
        using DisposeScope outer = NewDisposeScope();
        AdapterWidths small = Widths("sd15");
        AdapterWidths large = Widths("sdxl");
        AdapterFit second = Fit(
            WriteFile(
                ("lora_te2_text_model_encoder_layers_0_mlp_fc2.lora_down.weight", randn(4, 16)),
                ("lora_te2_text_model_encoder_layers_0_mlp_fc2.lora_up.weight", randn(16, 4))
            )
        );
        Assert.That((second.Fits(small), second.Fits(large)), Is.EqualTo((false, true)));
        string deep = $"lora_unet_mid_block_attentions_0_transformer_blocks_{large.Depth - 1}_attn1_to_q";
        AdapterFit layers = Fit(WriteFile(($"{deep}.lora_down.weight", randn(4, 16)), ($"{deep}.lora_up.weight", randn(16, 4))));
        Assert.That((layers.Fits(small), layers.Fits(large)), Is.EqualTo((small.Depth >= large.Depth, true)));
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Load_ValuesThatAreNoNumbers_AreRefusedWithTheLayer(float value)
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor down = randn(4, 16);
        down[1, 2] = value;
        string path = WriteFile(($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", randn(16, 4)));
        long live = TensorCount.Settled();
        Assert.That(
            () => LoraAdapter.Load(path),
            Throws.TypeOf<LoraException>().With.Message.Contains("no numbers").And.Message.Contains(Layer)
        );
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
    }

    [Test]
    public void Load_SeveralAdaptersInOneFile_AreRefused()
    {
        using DisposeScope outer = NewDisposeScope();
        string path = WriteFile(
            ($"unet.{Layer}.lora_A.first.weight", randn(4, 16)),
            ($"unet.{Layer}.lora_B.first.weight", randn(16, 4)),
            ($"unet.{Layer}.lora_A.second.weight", randn(4, 16)),
            ($"unet.{Layer}.lora_B.second.weight", randn(16, 4))
        );
        long live = TensorCount.Settled();
        Assert.That(() => LoraAdapter.Load(path), Throws.TypeOf<LoraException>().With.Message.Contains("several adapters"));
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
    }

    [TestCase("lora_unet_mid_block_attentions_0_proj_in.hada_w1_a", "LoHa")]
    [TestCase("lora_unet_mid_block_attentions_0_proj_in.lokr_w1", "LoKr")]
    [TestCase("lora_unet_mid_block_attentions_0_proj_in.dora_scale", "DoRA")]
    public void Load_OtherKindsOfAdapters_AreNamed(string key, string kind)
    {
        using DisposeScope outer = NewDisposeScope();
        string path = WriteFile((key, randn(4, 16)));
        using (var file = SafetensorsFile.Open(path))
        {
            Assert.That(LoraAdapter.IsAdapter(file), "it is told as an adapter, so that its own message comes");
        }

        Assert.That(() => LoraAdapter.Load(path), Throws.TypeOf<LoraException>().With.Message.Contains($"is a {kind}"));
    }

    private static (Tensor Down, Tensor Up) Factors(Parameter weight) => (randn(4, weight.Shape[1]), randn(weight.Shape[0], 4));

    private static AdapterFit Fit(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return ModelFamilies.FitOfLora(file);
    }

    private static AdapterWidths Widths(string model)
    {
        var files = ModelFiles.Open(Reference(model));
        return ModelFamilies.Of(new ModelSource(files)).Widths(files);
    }

    private static string Reference(string path) => GoldenCase.InRepository("tests/Goldens/models/" + path);

    private string WriteFile(params (string Name, Tensor Value)[] tensors) => WriteFile(tensors, null);

    private string WriteFile((string Name, Tensor Value)[] tensors, Dictionary<string, string>? metadata)
    {
        string path = Path.Combine(_folder, "adapter.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Value)), metadata);
        return path;
    }
}
