using Generation.Contracts;
using Generation.Imaging;
using Generation.Service.Running;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using Generation.Torch;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Generation.Service.Tests;

/// <summary>A worker that has run a job of some kind holds no more tensors than before: only models stay.</summary>
public sealed class LiveTensorTests
{
    private static readonly string[] Kinds =
    [
        "text2img",
        "hires",
        "loras",
        "refiner",
        "img2img",
        "inpaint",
        "mask_prompt",
        "outpaint",
        "edit",
        "controlnet",
        "enlarge",
        "x4",
        "text2video",
        "img2video",
        "checked",
    ];

    private ServiceScope _scope = null!;
    private MediaModels _media = null!;
    private TestModels _models = null!;
    private WebApplication _worker = null!;
    private StoredPicture _picture = null!;
    private StoredPicture _mask = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _media = new MediaModels();
        _models = new TestModels();
        foreach (string entry in Directory.EnumerateFiles(_media.Folder, "*.json"))
        {
            File.Copy(entry, Path.Combine(_models.Folder, Path.GetFileName(entry)));
        }

        _models.WriteEdges("tiny");
        _models.WriteSmall("edits", "instruct_pix2pix", "sd15", ["edit"]);
        _models.WriteSmall("xl", "sdxl", "sdxl", ["text2img"], entry => entry["refiner"] = "xl-refiner");
        _models.WriteSmall("xl-refiner", "sdxl_refiner", "sdxl-refiner", ["img2img"]);
        string loras = Directory.CreateDirectory(Path.Combine(_models.Folder, "loras")).FullName;
        File.Copy(TestModels.Golden("models", "lora", "diffusers.safetensors"), Path.Combine(loras, "ink.safetensors"));
        File.Copy(TestModels.Golden("models", "lora", "kohya.safetensors"), Path.Combine(loras, "pen.safetensors"));

        _scope = await ServiceScope.CreateAsync();
        _worker = await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder), ServiceScope.PreviewOfEachStep);
        var picture = new Picture(64, 64, 3);
        new Random(1).NextBytes(picture.Bytes);
        _picture = await MediaModels.StoreAsync(_scope.Results, picture);
        var mask = new Picture(64, 64, 1);
        mask.Bytes.AsSpan(64 * 20, 64 * 24).Fill(255);
        _mask = await MediaModels.StoreAsync(_scope.Results, mask);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
        _media.Dispose();
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Run_OfAKind_LeavesNoTensorBehind(string kind)
    {
        await RunAsync(kind, 1);
        long before = TorchExtras.LiveTensors;
        await RunAsync(kind, 2);
        await RunAsync(kind, 3);
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    private async Task RunAsync(string kind, long seed)
    {
        JobRow row = await _scope.RunAsync(Request(kind, seed));
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), $"{row.Error?.Field}: {row.Error?.Detail}");
        // A job's row is final a moment before its last things are disposed
        await ServiceScope.EventuallyAsync(
            () => Task.FromResult(_worker.Services.GetRequiredService<RunningJobs>().Count == 0),
            "no job is left in the process"
        );
    }

    private JobRequest Request(string kind, long seed)
    {
        Text2ImgRequest apple = ServiceScope.Apple(steps: 3, seed: seed, images: 2, side: 64);
        Text2ImgRequest small = apple with { GuidanceRescale = 0 };
        return kind switch
        {
            "hires" => apple with { HiresFix = new HiresFix(2, 0.6, 3) },
            "loras" => small with { Model = "tiny", Loras = [new LoraUse("ink", 0.7), new LoraUse("pen", 0.4)] },
            "refiner" => small with { Model = "xl", Refiner = new RefinerUse("xl-refiner", 0.6) },
            "img2img" => new Img2ImgRequest(apple, _picture) { Strength = 0.7 },
            "inpaint" => new InpaintRequest(apple, _picture)
            {
                Mask = _mask,
                Strength = 1,
                Padding = 8,
                MaskBlur = 2,
            },
            "mask_prompt" => new InpaintRequest(apple with { Model = "finder" }, _picture) { MaskPrompt = "the apple", Strength = 1 },
            "outpaint" => new OutpaintRequest(apple with { Width = 96 }, _picture) { Left = 32, Overlap = 8 },
            "edit" => new EditRequest(small with { Model = "edits" }, _picture) { ImageGuidanceScale = 1.5 },
            "controlnet" => new ControlNetRequest(
                small with
                {
                    Model = "tiny",
                },
                [
                    new ControlUse
                    {
                        Image = _picture,
                        Type = "canny",
                        Preprocessor = "canny",
                    },
                ]
            ),
            "enlarge" => Enlarge("enlarger", seed),
            "x4" => Enlarge("x4", seed),
            "text2video" => Clip("demo", null, seed),
            "img2video" => Clip("svd", _picture, seed),
            "checked" => apple with { Model = "strict", Safety = SafetyPolicy.Blur },
            _ => apple,
        };
    }

    private SuperResolutionRequest Enlarge(string model, long seed) =>
        new()
        {
            Model = model,
            Image = _picture,
            Scale = 4,
            Width = _picture.Width * 4,
            Height = _picture.Height * 4,
            Prompt = "a cat",
            NumInferenceSteps = model == "x4" ? 3 : 1,
            GuidanceScale = 7,
            NoiseLevel = 20,
            Scheduler = "auto",
            Seed = seed,
        };

    private static VideoRequest Clip(string model, StoredPicture? picture, long seed) =>
        new()
        {
            Model = model,
            Prompt = picture is null ? "a cat moving left" : "",
            Image = picture,
            Width = 48,
            Height = 32,
            NumFrames = 3,
            Fps = 8,
            NumInferenceSteps = 3,
            GuidanceScale = 3,
            MotionBucketId = 100,
            NoiseAugStrength = 0.05,
            Scheduler = "auto",
            Seed = seed,
            OutputFormat = "zip",
        };
}
