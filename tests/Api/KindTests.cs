using System.Net.Http.Json;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Control;
using Generation.Imaging.Resizing;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Retention;

namespace Generation.Api.Tests;

/// <summary>Each kind's way in: its fields, defaults, limits, pictures and price.</summary>
public sealed class KindTests
{
    private ApiScope _api = null!;
    private string _wide = "";
    private string _small = "";

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        await KindModels.RegisterAsync(_api);
        _wide = KindModels.Base64(300, 200);
        _small = KindModels.Base64(40, 40);
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Img2Img_ImageAndPrompt_HasThePicturesSizeAndIsStored()
    {
        JobDocument job = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "demo",
                image = _wide,
            }
        );

        var request = (Img2ImgRequest)job.Request!;
        Assert.That((job.Kind, request.Width, request.Height, request.Strength), Is.EqualTo((JobKind.Img2Img, 300, 200, 0.75)));
        Assert.That((request.Image.Width, request.Image.Height, request.Image.ContentType), Is.EqualTo((300, 200, "image/png")));
        await using Stream? kept = await _api.Get<IResultsStore>().OpenAsync(request.Image.Sha256, default);
        Assert.That(kept!.Length, Is.EqualTo(request.Image.Bytes));
        Assert.That((await _api.PollAsync(job.Id)).Request, Is.EqualTo(request), "the stored request is the one that was answered");
    }

    [Test]
    public async Task Img2Img_PictureLargerThanTheModelMakes_ShrinksWithItsAspect()
    {
        JobDocument job = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "demo",
                image = KindModels.Base64(2400, 1200),
            }
        );

        var request = (Img2ImgRequest)job.Request!;
        Assert.That((request.Width, request.Height), Is.EqualTo((1024, 512)));
    }

    [Test]
    public async Task Img2Img_LessStrength_CostsLess()
    {
        JobDocument half = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "demo",
                image = _wide,
                strength = 0.2,
                num_inference_steps = 100,
            }
        );
        JobDocument whole = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "demo",
                image = _wide,
                strength = 1,
                num_inference_steps = 100,
            }
        );

        Assert.That(half.Cost.Held, Is.LessThan(whole.Cost.Held));
    }

    [TestCase(0.7, 3)]
    [TestCase(0.2, 1)]
    public async Task Img2Img_OfFluxInFourSteps_CostsTheStepsThatRun(double strength, int steps)
    {
        JobDocument job = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "schnell",
                image = KindModels.Base64(128, 128),
                strength,
                num_inference_steps = 4,
                width = 128,
                height = 128,
            }
        );

        decimal pixels = 128 * 128 / 1_000_000m;
        decimal price = Math.Ceiling(((0.15m * steps * pixels) + (0.05m * pixels)) * 10_000m) / 10_000m;
        Assert.That(job.Cost.Held, Is.EqualTo(Credits.Of(Math.Max(price, 0.01m))));
        JobPlan plan = (await _api.Get<JobStore>().FindAsync(job.Id, null, default))!.ReadPlan()!;
        Assert.That((plan.IsCurrent, plan.Steps, plan.Passes[0].Scheduler), Is.EqualTo((true, steps, "FlowMatchEulerDiscreteScheduler")));
    }

    [Test]
    public async Task Text2Img_WithASchedulerOfSecondOrder_CostsTheCallsOfTheNetwork()
    {
        JobDocument once = await SubmitAsync(
            "text2img",
            new
            {
                prompt = "a",
                model = "demo",
                scheduler = "ddim",
                num_inference_steps = 99,
                num_images = 4,
            }
        );
        JobDocument twice = await SubmitAsync(
            "text2img",
            new
            {
                prompt = "a",
                model = "demo",
                scheduler = "heun",
                num_inference_steps = 50,
                num_images = 4,
            }
        );

        Assert.That(twice.Cost.Held, Is.EqualTo(once.Cost.Held), "99 calls each");
    }

    [Test]
    public async Task Inpaint_EveryField_IsKept()
    {
        JobDocument job = await SubmitAsync(
            "inpaint",
            new
            {
                prompt = "a",
                image = _wide,
                mask = KindModels.Base64(150, 100),
                mask_mode = "paint_black",
                padding = 8,
                mask_blur = 2.5,
                mask_grow = -3,
                strength = 0.9,
            }
        );

        var request = (InpaintRequest)job.Request!;
        Assert.That(
            (request.MaskMode, request.Padding, request.MaskBlur, request.MaskGrow, request.Strength),
            Is.EqualTo((MaskMode.PaintBlack, 8, 2.5, -3, 0.9))
        );
        Assert.That((request.Mask!.Width, request.Mask.Height), Is.EqualTo((150, 100)));
    }

    [Test]
    public async Task Outpaint_Sides_MakeTheOutputLarger()
    {
        JobDocument job = await SubmitAsync(
            "outpaint",
            new
            {
                prompt = "a",
                image = _wide,
                left = 20,
                bottom = 56,
            }
        );

        var request = (OutpaintRequest)job.Request!;
        Assert.That((request.Width, request.Height, request.Left, request.Bottom, request.Overlap), Is.EqualTo((320, 256, 20, 56, 16)));
    }

    [Test]
    public async Task Edit_Defaults_AreFilledIn()
    {
        JobDocument job = await SubmitAsync("edit", new { prompt = "make it winter", image = _wide });

        var request = (EditRequest)job.Request!;
        Assert.That(
            (job.Model, request.ImageGuidanceScale, request.Width, request.Height),
            Is.EqualTo(("rich", 1.5, 296, 200)),
            "sides are multiples of 8"
        );
        Assert.That(request.Safety, Is.EqualTo(SafetyPolicy.Flag), "the model has a checker");
    }

    [Test]
    public async Task ControlNet_TwoControls_AreKeptInOrder()
    {
        JobDocument job = await SubmitAsync(
            "controlnet",
            new
            {
                prompt = "a",
                control = new object[]
                {
                    new
                    {
                        image = _wide,
                        type = "canny",
                        preprocessor = "canny",
                        scale = 0.5,
                        end = 0.6,
                    },
                    new
                    {
                        image = _small,
                        type = "depth",
                        resize_mode = "fit",
                        start = 0.25,
                    },
                },
                guess_mode = true,
            }
        );

        var request = (ControlNetRequest)job.Request!;
        Assert.That(
            request.Control.Select(c => (c.Type, c.Preprocessor, c.ResizeMode, c.Scale, c.Start, c.End, c.Image.Width)),
            Is.EqualTo(new[] { ("canny", "canny", "crop", 0.5, 0.0, 0.6, 300), ("depth", "none", "fit", 1.0, 0.25, 1.0, 40) })
        );
        Assert.That(request.GuessMode);
    }

    [Test]
    public async Task ControlNet_Preview_IsWhatTheNetworkIsShown()
    {
        Picture picture = new(300, 200, 3);
        picture.Bytes.AsSpan(picture.Bytes.Length / 2).Fill(255);
        string image = Convert.ToBase64String(PictureCodec.Encode(picture, PictureFormat.Png));
        var body = new
        {
            prompt = "a",
            width = 64,
            height = 64,
            control = new object[]
            {
                new { image = _small, type = "depth" },
                new
                {
                    image,
                    type = "canny",
                    preprocessor = "canny",
                    resize_mode = "stretch",
                },
            },
        };
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync("/v1/controlnet/preview?control=1", body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        Picture shown = PictureCodec.Decode(await answer.Content.ReadAsByteArrayAsync());
        Picture expected = ControlPictures.Prepare(picture, ControlPreprocessor.Canny, 64, 64, FitMode.Stretch);
        Assert.That((shown.Width, shown.Height), Is.EqualTo((64, 64)));
        Assert.That(shown.Bytes, Is.EqualTo(expected.Bytes).And.Contains(255));

        using HttpResponseMessage beyond = await _api.Client.PostAsJsonAsync("/v1/controlnet/preview?control=2", body);
        Assert.That((int)beyond.StatusCode, Is.EqualTo(422));
        using HttpResponseMessage unknown = await _api.Client.PostAsJsonAsync(
            "/v1/controlnet/preview",
            new
            {
                prompt = "a",
                control = new[]
                {
                    new
                    {
                        image,
                        type = "canny",
                        preprocessor = "pose",
                    },
                },
            }
        );
        Assert.That(await unknown.Content.ReadAsStringAsync(), Does.Contain("control[0].preprocessor"));
    }

    [Test]
    public async Task SuperResolution_ImageAlone_TakesTheModelsScale()
    {
        JobDocument job = await SubmitAsync("super-resolution", new { image = _small });

        var request = (SuperResolutionRequest)job.Request!;
        Assert.That((job.Model, request.Scale, request.Width, request.Height), Is.EqualTo(("enlarger", 4, 160, 160)));
        Assert.That(job.Cost.Held, Is.GreaterThan(Credits.Zero));
    }

    [Test]
    public async Task Video_Words_TakesTheModelsFrames()
    {
        JobDocument job = await SubmitAsync("video", new { prompt = "a red apple" });
        JobDocument longer = await SubmitAsync(
            "video",
            new
            {
                prompt = "a red apple",
                num_frames = 16,
                output_format = "gif",
            }
        );

        var request = (VideoRequest)job.Request!;
        Assert.That((job.Model, request.NumFrames, request.Fps, request.OutputFormat), Is.EqualTo(("demo", 8, 8.0, "mp4")));
        Assert.That(
            longer.Cost.Held.Micros,
            Is.EqualTo(2 * job.Cost.Held.Micros).Within(200),
            "twice the frames, to a ten-thousandth of a credit each"
        );
    }

    [Test]
    public async Task Options_ThatFit_AreKept()
    {
        JobDocument job = await SubmitAsync(
            "text2img",
            new
            {
                prompt = "a",
                model = "rich",
                loras = new object[] { new { model = "ink", scale = -0.5 } },
                clip_skip = 1,
                vae = "sharp",
                safety = "blur",
                refiner = new { switch_at = 0.7 },
                hires_fix = new
                {
                    scale = 1.5,
                    strength = 0.4,
                    steps = 10,
                    upscaler = "lanczos",
                },
            }
        );

        var request = (Text2ImgRequest)job.Request!;
        Assert.That(request.Loras, Is.EqualTo(new[] { new LoraUse("ink", -0.5) }));
        Assert.That((request.ClipSkip, request.Vae, request.Safety), Is.EqualTo(((int?)1, "sharp", SafetyPolicy.Blur)));
        Assert.That(request.Refiner, Is.EqualTo(new RefinerUse("demo", 0.7)));
        Assert.That(request.HiresFix, Is.EqualTo(new HiresFix(1.5, 0.4, 10, "lanczos")));
    }

    [Test]
    public async Task Sweep_InputsOfAnOpenJob_StayUntilItIsOver()
    {
        JobDocument job = await SubmitAsync(
            "img2img",
            new
            {
                prompt = "a",
                model = "demo",
                image = KindModels.Base64(77, 55),
            }
        );
        string sha256 = ((Img2ImgRequest)job.Request!).Image.Sha256;
        RetentionStore retention = _api.Get<RetentionStore>();

        await retention.SweepAsync(DateTimeOffset.UtcNow.AddHours(1), false, default);
        bool whileOpen = await _api.Get<IResultsStore>().OpenAsync(sha256, default) is { } open && await DisposedAsync(open);
        await _api.Jobs.CancelAsync(job.Id, _api.Account, default);
        await retention.SweepAsync(DateTimeOffset.UtcNow.AddHours(1), false, default);
        Stream? after = await _api.Get<IResultsStore>().OpenAsync(sha256, default);

        Assert.That(whileOpen);
        Assert.That(after, Is.Null, "nothing needs it any more");

        static async Task<bool> DisposedAsync(Stream stream)
        {
            await stream.DisposeAsync();
            return true;
        }
    }

    private async Task<JobDocument> SubmitAsync(string kind, object body)
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync($"/v1/{kind}", body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        return await ApiScope.ReadAsync<JobDocument>(answer);
    }
}
