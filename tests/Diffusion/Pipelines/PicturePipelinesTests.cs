using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Imaging;
using Generation.Imaging.Outpainting;
using Generation.Torch;
using TorchSharp;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>What the reference data does not show of the pipelines that start from pictures.</summary>
[NonParallelizable]
public sealed class PicturePipelinesTests
{
    private static readonly string Models = GoldenCase.InRepository("tests/Goldens/models");

    private LatentDiffusionModel _model = null!;

    [OneTimeSetUp]
    public void Load() => _model = LatentDiffusionModel.FromPretrained(Path.Combine(Models, "sd15"));

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public void Outpaint_ToTheRightAndTop_KeepsTheOldPictureAndHasTheAskedSize()
    {
        Picture old = Painted(60, 44, 3);
        var canvas = OutpaintCanvas.Extend(old, right: 21, top: 10, overlap: 4);
        var settings = new InpaintSettings
        {
            Image = canvas.Image,
            MaskImage = canvas.Mask,
            Strength = 1,
            NumInferenceSteps = 2,
            Seed = 1,
        };
        using PictureBatch batch = new StableDiffusionInpaintPipeline(_model).Generate(settings);
        Picture wide = canvas.Finish(batch.ToPictures()[0]);
        Assert.That((wide.Width, wide.Height), Is.EqualTo((81, 54)));
        for (int y = 4; y < 44; y++)
        {
            for (int x = 0; x < 56; x++)
            {
                Assert.That(wide.Row(y + 10).Slice(x * 3, 3).SequenceEqual(old.Row(y).Slice(x * 3, 3)), Is.True, $"{x}, {y}");
            }
        }
    }

    [Test]
    public void Inpaint_KeepUnmasked_LeavesTheKeptPixelsAlone()
    {
        Picture image = Painted(64, 48, 3);
        var mask = new Picture(64, 48, 1);
        mask.Row(20)[10..30].Fill(255);
        var settings = new InpaintSettings
        {
            Image = image,
            MaskImage = mask,
            KeepUnmasked = true,
            NumInferenceSteps = 2,
        };
        using PictureBatch batch = new StableDiffusionInpaintPipeline(_model).Generate(settings);
        Picture painted = batch.ToPictures()[0];
        Assert.That(painted.Row(19).SequenceEqual(image.Row(19)), Is.True);
        Assert.That(painted.Row(20)[(10 * 3)..(30 * 3)].SequenceEqual(image.Row(20)[(10 * 3)..(30 * 3)]), Is.False);
    }

    [Test]
    public void Img2Img_SeveralPictures_EachIsTheOneOfItsSeedAlone()
    {
        var settings = new Img2ImgSettings
        {
            Image = Painted(64, 48, 3),
            Prompt = "a cat",
            Strength = 0.7,
            NumInferenceSteps = 4,
            NumImages = 2,
            Seed = 5,
            Scheduler = _model.Scheduler.As("EulerAncestralDiscreteScheduler"),
        };
        var pipeline = new StableDiffusionImg2ImgPipeline(_model);
        using PictureBatch both = pipeline.Generate(settings);
        using PictureBatch second = pipeline.Generate(settings with { NumImages = 1, Seed = 6 });
        using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        GoldenCase.AssertClose(both.Images.narrow(0, 1, 1), second.Images, "picture 1", 1e-4);
    }

    [Test]
    public void Img2Img_PictureOfAnySizeAndKind_IsCutToWhatTheModelMakes()
    {
        using PictureBatch batch = new StableDiffusionImg2ImgPipeline(_model).Generate(
            new Img2ImgSettings { Image = Painted(67, 50, 4), NumInferenceSteps = 2 }
        );
        Assert.That(batch.Images.shape, Is.EqualTo(new long[] { 1, 48, 64, 3 }));
    }

    [TestCase(0.0, "strength")]
    [TestCase(1.5, "strength")]
    public void Img2Img_StrengthThatRunsNothing_NamesTheField(double strength, string field) =>
        Assert.That(
            () =>
                new StableDiffusionImg2ImgPipeline(_model).Generate(
                    new Img2ImgSettings
                    {
                        Image = Painted(64, 48, 3),
                        Strength = strength,
                        NumInferenceSteps = 4,
                    }
                ),
            Throws.TypeOf<SettingException>().With.Property("Field").EqualTo(field)
        );

    [Test]
    public void Edit_ModelOfAnotherKind_SaysSo() =>
        Assert.That(
            () => new InstructPix2PixPipeline(_model).Generate(new EditSettings { Image = Painted(64, 48, 3) }),
            Throws.TypeOf<SettingException>().With.Message.Contains("4 channels").And.Property("Field").EqualTo("model")
        );

    [Test]
    public void ControlNet_TwoControlsAtHalfScale_EqualOneAtFull()
    {
        using ControlNetModel network = StableDiffusionControlNetPipeline.LoadControlNet(Path.Combine(Models, "controlnet"));
        var pipeline = new StableDiffusionControlNetPipeline(_model);
        Picture control = Painted(64, 48, 3);
        var one = new ControlNetSettings
        {
            Controls = [new ControlInput(network, control)],
            Width = 64,
            Height = 48,
            NumInferenceSteps = 3,
            Prompt = "a cat",
        };
        ControlInput half = new(network, control) { ConditioningScale = 0.5 };
        using PictureBatch full = pipeline.Generate(one);
        using PictureBatch halves = pipeline.Generate(one with { Controls = [half, half] });
        using PictureBatch none = pipeline.Generate(one with { Controls = [new ControlInput(network, control) { ConditioningScale = 0 }] });
        using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        GoldenCase.AssertClose(halves.Images, full.Images, "two halves", 1e-4);
        Assert.That((none.Images - full.Images).abs().max().item<float>(), Is.GreaterThan(1e-3));
    }

    [Test]
    public void Pipelines_AfterRuns_LeaveNoTensorAlive()
    {
        Picture image = Painted(64, 48, 3);
        var mask = new Picture(64, 48, 1);
        mask.Row(9).Fill(255);
        Action[] runs =
        [
            () =>
                new StableDiffusionImg2ImgPipeline(_model).Generate(new Img2ImgSettings { Image = image, NumInferenceSteps = 2 }).Dispose(),
            () =>
                new StableDiffusionInpaintPipeline(_model)
                    .Generate(
                        new InpaintSettings
                        {
                            Image = image,
                            MaskImage = mask,
                            NumInferenceSteps = 2,
                            PaddingMaskCrop = 4,
                        }
                    )
                    .Dispose(),
            () => Dispose(FluxModel.FromPretrained(Path.Combine(Models, "flux_fill")), model => new FluxFillPipeline(model)
                        .Generate(
                            new InpaintSettings
                            {
                                Image = image,
                                MaskImage = mask,
                                NumInferenceSteps = 2,
                            }
                        )
                        .Dispose()),
            () =>
                Dispose(LatentDiffusionModel.FromPretrained(Path.Combine(Models, "sdxl")), model =>
                    new StableDiffusionPipeline(model).Generate(new Text2ImgSettings { NumInferenceSteps = 2 }).Dispose()
                ),
            () => Dispose(StableVideoDiffusionPipeline.FromPretrained(Path.Combine(Models, "svd")), pipeline => pipeline
                        .Generate(
                            new Img2VideoSettings
                            {
                                Image = image,
                                Width = 64,
                                Height = 48,
                                NumInferenceSteps = 1,
                            }
                        )
                        .Dispose()),
        ];
        foreach (Action run in runs)
        {
            long before = TensorCount.Settled();
            run();
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
        }
    }

    private static void Dispose<T>(T thing, Action<T> use)
        where T : IDisposable
    {
        using (thing)
        {
            use(thing);
        }
    }

    private static Picture Painted(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        for (int i = 0; i < picture.Bytes.Length; i++)
        {
            picture.Bytes[i] = (byte)((i * 37 % 251) / 2);
        }

        return picture;
    }
}
