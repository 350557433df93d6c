using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Microsoft.CodeAnalysis;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Families;

/// <summary>A model says by itself what it is and can do; who uses it asks no family.</summary>
public sealed class ModelFamiliesTests
{
    private const ModelAbilities Drawing =
        ModelAbilities.Text2Img | ModelAbilities.Img2Img | ModelAbilities.Inpaint | ModelAbilities.Outpaint | ModelAbilities.Control;

    [TestCase("sd15", "sd15", Drawing, PromptSyntax.Weighted)]
    [TestCase("sdxl", "sdxl", Drawing, PromptSyntax.Weighted)]
    [TestCase("sdxl_refiner", "sdxl-refiner", ModelAbilities.Img2Img, PromptSyntax.Weighted)]
    [TestCase("instruct_pix2pix", "sd15", ModelAbilities.Edit, PromptSyntax.Weighted)]
    [TestCase("x4_upscaler", "x4-upscaler", ModelAbilities.Upscale, PromptSyntax.Weighted)]
    [TestCase("flux_schnell", "flux", ModelAbilities.Text2Img | ModelAbilities.Img2Img | ModelAbilities.Inpaint, PromptSyntax.Plain)]
    [TestCase("flux_fill", "flux", ModelAbilities.Inpaint | ModelAbilities.Outpaint, PromptSyntax.Plain)]
    [TestCase("svd", "svd", ModelAbilities.Img2Video, PromptSyntax.Weighted)]
    public void FromPretrained_ModelOfAFamily_SaysWhatItIsAndRunsAStep(
        string folder,
        string family,
        ModelAbilities abilities,
        PromptSyntax syntax
    )
    {
        using DiffusionModel model = ModelFamilies.FromPretrained(Model(folder));
        Assert.That(model.Family, Is.EqualTo(family));
        Assert.That(model.Abilities, Is.EqualTo(abilities));
        Assert.That(model.PromptSyntax, Is.EqualTo(syntax));
        Assert.That(model.NativeSize.Width % model.Multiple, Is.Zero, "its own size is one that it makes");
        Assert.That(() => model.Try(folder), Throws.Nothing);
    }

    [Test]
    public void Encode_WhatTheFamilyCannot_NamesTheModelAndTheFamily()
    {
        using DiffusionModel model = ModelFamilies.FromPretrained(Model("svd"));
        SettingException error = Assert.Throws<SettingException>(() => model.Encode(new Text2ImgSettings { Prompt = "a cat" }))!;
        Assert.That(error.Field, Is.EqualTo("model"));
        Assert.That(error.Message, Does.Contain("svd").And.Contain("pictures from a prompt"));
    }

    [Test]
    public void Load_WithAMotionAdapter_MakesClipsOfAModelOfPictures()
    {
        var source = new ModelSource(ModelFiles.Open(Model("sd15"))) { MotionAdapter = Model("motion_adapter") };
        using DiffusionModel model = ModelFamilies.Load(source);
        Assert.That(model.Abilities, Is.EqualTo(ModelAbilities.Text2Video));
        Assert.That(() => model.Try("motion_adapter"), Throws.Nothing);
    }

    [Test]
    public void Preview_OfAClip_IsItsMiddleFrame()
    {
        var source = new ModelSource(ModelFiles.Open(Model("sd15"))) { MotionAdapter = Model("motion_adapter") };
        using DiffusionModel model = ModelFamilies.Load(source);
        var settings = new Text2VideoSettings
        {
            Prompt = "a cat",
            NumFrames = 2,
            NumInferenceSteps = 2,
            Width = 64,
            Height = 32,
        };
        using DenoisingRun run = model.Encode(settings);
        Picture? preview = null;
        run.Loop(report => preview ??= report.Preview());
        Assert.That((double)preview!.Width / preview.Height, Is.EqualTo(2));
    }

    [Test]
    public void FamilyOfTheContributingGuide_CompilesAndMakesAPicture()
    {
        (string code, _) = ReadmeCode.In("CONTRIBUTING.md").Single(block => block.Title.Contains("family", StringComparison.Ordinal));
        ReadmeCode.Run(code, OutputKind.DynamicallyLinkedLibrary, library =>
        {
            var family = (ModelFamily)Activator.CreateInstance(library.GetType("FourStepFamily", throwOnError: true)!)!;
            var source = new ModelSource(ModelFiles.Open(Model("sd15")));
            Assert.That(family.Knows(source), Is.False, "the files are Stable Diffusion's");
            using DiffusionModel model = family.Load(source, ScalarType.Float32, null);
            model.Try("sd15");
            Assert.That(() => model.Encode(new EditSettings { Image = new Picture(64, 64, 3) }), Throws.TypeOf<SettingException>());
        });
    }

    [TestCase("""{"_class_name": 5}""")]
    [TestCase("""{"_class_name": ["StableDiffusionPipeline", "of", "a", "stranger"]}""")]
    public void Of_IndexWhoseClassIsNoName_IsRefusedAsNoKnownModel(string index)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("index");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "model_index.json"), index);
            var source = new ModelSource(ModelFiles.Open(folder.FullName));
            Assert.That(() => ModelFamilies.Of(source), Throws.TypeOf<WeightsException>().With.Message.Contains(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Model(string folder) => GoldenCase.InRepository($"tests/Goldens/models/{folder}");
}
