using Generation.Diffusion.Families;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>Values that are no numbers are an error, and never a black picture.</summary>
[NonParallelizable]
public sealed class NotFiniteTests
{
    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void ToPictures_ValuesThatAreNoNumbers_AreRefused(float value)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor images = zeros(2, 4, 4, 3);
        images[1, 2, 3, 0] = value;
        Assert.That(() => PictureTensors.ToPictures(images), Throws.TypeOf<NotFiniteException>());
    }

    [Test]
    public void Loop_WithWeightsThatOverflow_IsRefusedAfterItsLastStep()
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("tests/Goldens/models/sd15"));
        Break(model.UNet.Parameters["conv_out.weight"], float.MaxValue);
        using DenoisingRun run = new StableDiffusionPipeline(model).Encode(
            new Text2ImgSettings
            {
                Prompt = "a",
                Width = 64,
                Height = 64,
                NumInferenceSteps = 2,
            }
        );
        Assert.That(() => run.Loop(), Throws.TypeOf<NotFiniteException>());
    }

    [Test]
    public void Try_WeightsThatAreNoNumbers_NamesThemAlsoWhereTheyDoNotReachThePicture()
    {
        using DisposeScope scope = NewDisposeScope();
        using DiffusionModel model = ModelFamilies.FromPretrained(GoldenCase.InRepository("tests/Goldens/models/sd15"));
        Break(model.Adaptable["text_encoder"]["text_model.encoder.layers.0.self_attn.k_proj.bias"], float.NaN);
        Assert.That(
            () => model.Try("here"),
            Throws
                .TypeOf<WeightsException>()
                .With.Message.Contains("here")
                .And.Message.Contains("text_encoder.text_model.encoder.layers.0.self_attn.k_proj.bias")
        );
    }

    private static void Break(Parameter parameter, float value)
    {
        Tensor original = parameter.Value;
        parameter.Value = full(original.shape, value);
        original.Dispose();
    }
}
