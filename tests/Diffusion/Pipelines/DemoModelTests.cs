using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Vision;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.Imaging.Resizing;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>The embedded model, through the pipeline as a worker uses it.</summary>
[NonParallelizable]
public sealed class DemoModelTests
{
    private static readonly Text2ImgSettings Apple = new()
    {
        Prompt = "a red apple on a blue background",
        NumInferenceSteps = 25,
        GuidanceScale = 4,
        GuidanceRescale = 0.5,
        Seed = 1,
    };

    private LatentDiffusionModel _model = null!;
    private StableDiffusionPipeline _pipeline = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _model = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("models/demo"));
        _pipeline = new StableDiffusionPipeline(_model);
    }

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public void Generate_RedAppleOnBlue_IsRedInTheMiddleAndBlueAtTheCorners()
    {
        Picture? preview = null;
        using PictureBatch batch = _pipeline.Generate(Apple, report => preview = report.Step == report.Steps ? report.Preview() : preview);
        Picture picture = batch.ToPictures()[0];
        using var upscaler = Upscaler.FromPretrained(GoldenCase.InRepository("models/demo-upscaler"));
        Picture larger = upscaler.Upscale(picture);
        if (Environment.GetEnvironmentVariable("DEMO_PICTURES") is { } folder)
        {
            File.WriteAllBytes(Path.Combine(folder, "apple.png"), PngCodec.Encode(larger));
            File.WriteAllBytes(Path.Combine(folder, "preview.png"), PngCodec.Encode(preview!.Resize(256, 256, ResamplingFilter.Nearest)));
        }

        Assert.That((larger.Width, larger.Height), Is.EqualTo((4 * picture.Width, 4 * picture.Height)));
        foreach (Picture one in new[] { picture, larger, preview! })
        {
            byte[] middle = Pixel(one, one.Width / 2, one.Height / 2);
            byte[] corner = Pixel(one, 1, 1);
            Assert.That(middle[0], Is.GreaterThan(middle[2] + 40), "red in the middle");
            Assert.That(corner[2], Is.GreaterThan(corner[0] + 40), "blue in the corner");
        }
    }

    [Test]
    public void Preview_ByASmallAutoencoder_IsItsPictureOfTheLatents()
    {
        string folder = Directory.CreateTempSubdirectory("taesd").FullName;
        try
        {
            foreach (
                (string from, string to) in new[]
                {
                    ("config.json", "config.json"),
                    ("model.safetensors", "diffusion_pytorch_model.safetensors"),
                }
            )
            {
                File.Copy(GoldenCase.InRepository("tests/Goldens/modules/vae_tiny/" + from), Path.Combine(folder, to));
            }

            using AutoencoderTiny small = ComponentFolder.LoadTinyVae(folder);
            LatentPreview own = _model.Preview;
            _model.Preview = LatentPreview.With(small);
            try
            {
                _pipeline
                    .Generate(Apple with { NumInferenceSteps = 1 }, report =>
                    {
                        using DisposeScope scope = NewDisposeScope();
                        Picture expected = PictureTensors.ToPictures(PictureTensors.FromDecoded(small.Decode(report.Latents)))[0];
                        Picture preview = report.Preview()!;
                        Assert.That((preview.Width, preview.Height), Is.EqualTo((expected.Width, expected.Height)));
                        Assert.That(preview.Bytes, Is.EqualTo(expected.Bytes));
                    })
                    .Dispose();
            }
            finally
            {
                _model.Preview = own;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Generate_SameSeed_GivesTheSameBytes()
    {
        Text2ImgSettings settings = Apple with { NumInferenceSteps = 4 };
        using PictureBatch first = _pipeline.Generate(settings);
        using PictureBatch second = _pipeline.Generate(settings);
        Assert.That(second.ToPictures()[0].Bytes, Is.EqualTo(first.ToPictures()[0].Bytes));
    }

    [Test]
    public void Generate_SeveralPictures_EachIsTheOneOfItsSeedAlone()
    {
        Text2ImgSettings settings = Apple with { NumInferenceSteps = 4, NumImages = 3, Eta = 0.5 };
        using PictureBatch batch = _pipeline.Generate(settings);
        Assert.That(batch.Seeds, Is.EqualTo(new[] { 1L, 2, 3 }));
        for (int k = 0; k < 3; k++)
        {
            using PictureBatch alone = _pipeline.Generate(settings with { NumImages = 1, Seed = settings.Seed + k });
            using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
            GoldenCase.AssertClose(batch.Images.narrow(0, k, 1), alone.Images, $"picture {k}", 1e-4);
        }
    }

    [TestCase("DDIMScheduler", 0.7, 3)]
    [TestCase("EulerAncestralDiscreteScheduler", 0, 1)]
    [TestCase("DPMSolverMultistepScheduler", 0, 4)]
    public void Generate_ResumedFromASavedState_GivesTheSameBytes(string scheduler, double eta, int stopAt)
    {
        Text2ImgSettings settings = Apple with
        {
            NumInferenceSteps = 6,
            NumImages = 2,
            Eta = eta,
            Scheduler = _model.Scheduler.As(scheduler),
        };
        using PictureBatch whole = _pipeline.Generate(settings);
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            using var stop = new CancellationTokenSource();
            Assert.That(() => _pipeline.Generate(settings, Save, stop.Token), Throws.InstanceOf<OperationCanceledException>());
            using var state = LoopState.Load(path);
            var steps = new List<int>();
            using PictureBatch resumed = _pipeline.Generate(settings, state, report => steps.Add(report.Step));
            Assert.That(steps, Is.EqualTo(Enumerable.Range(stopAt + 1, 6 - stopAt)));
            Assert.That(resumed.Latents.bytes.SequenceEqual(whole.Latents.bytes), Is.True, "latents are the same bits");
            Assert.That(resumed.ToPictures()[1].Bytes, Is.EqualTo(whole.ToPictures()[1].Bytes));

            void Save(StepReport report)
            {
                if (report.Step == stopAt)
                {
                    using LoopState kept = report.SaveState();
                    kept.Save(path);
                    stop.Cancel();
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Generate_StateOfAnotherRun_IsRefused()
    {
        LoopState? kept = null;
        using PictureBatch small = _pipeline.Generate(Apple with { NumInferenceSteps = 2 }, report => kept ??= report.SaveState());
        using LoopState state = kept!;
        Assert.That(
            () => _pipeline.Generate(Apple with { NumInferenceSteps = 2, Width = 96 }, state, onStep: null),
            Throws.TypeOf<SettingException>().With.Property("Field").EqualTo("state")
        );
    }

    [Test]
    public void Generate_Progress_CountsEveryStepOnce()
    {
        var steps = new List<(int, int)>();
        using PictureBatch batch = _pipeline.Generate(Apple with { NumInferenceSteps = 3 }, report =>
            steps.Add((report.Step, report.Steps))
        );
        Assert.That(steps, Is.EqualTo(new[] { (1, 3), (2, 3), (3, 3) }));
    }

    [Test]
    public void Generate_WidthAndHeight_AreThePictures()
    {
        using PictureBatch batch = _pipeline.Generate(Apple with { NumInferenceSteps = 1, Width = 96, Height = 52 });
        Assert.That(batch.Images.shape, Is.EqualTo(new long[] { 1, 52, 96, 3 }));
    }

    [Test]
    public void Generate_Finished_LeavesNoTensorAlive()
    {
        Text2ImgSettings settings = Apple with { NumInferenceSteps = 2, Eta = 0.3 };
        _pipeline.Generate(settings, report => report.Preview()).Dispose();
        long before = TensorCount.Settled();
        _pipeline.Generate(settings, report => report.Preview()).Dispose();
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Generate_CancelledInMidLoop_LeavesNoTensorAlive()
    {
        long before = TensorCount.Settled();
        using var stop = new CancellationTokenSource();
        Assert.That(() => _pipeline.Generate(Apple, _ => stop.Cancel(), stop.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Generate_BadSettings_NameTheFieldAndLeaveNoTensorAlive()
    {
        (Text2ImgSettings Settings, string Field)[] rows =
        [
            (Apple with { NumInferenceSteps = 0 }, "num_inference_steps"),
            (Apple with { Width = 65 }, "width"),
            (Apple with { Height = 0 }, "height"),
            (Apple with { NumImages = 0 }, "num_images"),
            (Apple with { Items = [] }, "items"),
            (Apple with { GuidanceRescale = 1.5 }, "guidance_rescale"),
            (Apple with { GuidanceScale = double.NaN }, "guidance_scale"),
            (Apple with { Eta = -1 }, "eta"),
            (Apple with { ClipSkip = -1 }, "clip_skip"),
            (Apple with { ClipSkip = 99 }, "clip_skip"),
            (Apple with { DenoisingEnd = 2 }, "denoising_end"),
            (Apple with { NumInferenceSteps = 5000 }, "scheduler"),
        ];
        foreach ((Text2ImgSettings settings, string field) in rows)
        {
            long before = TensorCount.Settled();
            Assert.That(() => _pipeline.Generate(settings), Throws.TypeOf<SettingException>().With.Property("Field").EqualTo(field), field);
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before), field);
        }
    }

    [Test]
    public void Generate_InBFloat16_MakesTheSamePictureAboutAsWell()
    {
        Text2ImgSettings settings = Apple with { NumInferenceSteps = 8 };
        using var half = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("models/demo"), TorchSharp.torch.ScalarType.BFloat16);
        using PictureBatch exact = _pipeline.Generate(settings);
        using PictureBatch near = new StableDiffusionPipeline(half).Generate(settings);
        using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        Assert.That((near.Images - exact.Images).abs().mean().item<float>(), Is.LessThan(0.05));
    }

    [Test]
    public void Decode_Cancelled_MakesNothing()
    {
        using DenoisingRun run = _pipeline.Encode(Apple with { NumInferenceSteps = 1 });
        run.Loop();
        Assert.That(() => run.Decode(new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
    }

    private static byte[] Pixel(Picture picture, int x, int y) => picture.Bytes.AsSpan((y * picture.Stride) + (x * 3), 3).ToArray();
}
