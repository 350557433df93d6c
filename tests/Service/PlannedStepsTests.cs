using System.Diagnostics.Metrics;
using System.Text.Json;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Planning;
using Generation.Service.Jobs;
using Generation.Service.Rendering;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Generation.Service.Tests;

/// <summary>
/// What the API plans by the registered entries is what the renderers run and what is paid for: for every kind, family and class
/// of scheduler, with small random networks whose steps are counted.
/// </summary>
public sealed class PlannedStepsTests
{
    private static readonly string[] Latents =
    [
        "auto",
        "ddim",
        "ddpm",
        "pndm",
        "lms",
        "euler_karras",
        "euler_a",
        "heun",
        "dpm2",
        "dpm2_a_karras",
        "dpmpp_2m_karras",
        "dpmpp_2m_sde",
        "dpmpp_2s",
        "deis",
        "unipc",
        "sa_solver",
        "lcm",
        "tcd",
    ];

    private static readonly string[] Flows = ["auto", "flow_euler", "flow_heun", "euler", "heun"];

    /// <summary>For the networks that take long; what differs between schedulers shows with the others.</summary>
    private static readonly string[] Few = ["auto", "ddim", "heun"];

    private static readonly string[] Ways =
    [
        "text2img",
        "img2img 0.5",
        "img2img 0.2",
        "inpaint 1",
        "inpaint 0.5",
        "outpaint",
        "hires",
        "controlnet",
        "inpaint9 0.7",
        "outpaint9",
        "edit",
        "refined",
        "refined 0.9",
        "flux text2img",
        "flux img2img 0.7",
        "flux img2img 0.2",
        "flux inpaint 0.7",
        "flux hires",
        "fill inpaint 1",
        "fill inpaint 0.7",
        "fill outpaint",
        "dev text2img",
        "x4",
        "text2video",
        "img2video",
    ];

    private ServiceScope _scope = null!;
    private MediaModels _media = null!;
    private TestModels _models = null!;
    private WebApplication _worker = null!;
    private Dictionary<string, ModelEntry> _entries = null!;
    private StoredPicture _picture = null!;
    private StoredPicture _mask = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _media = new MediaModels();
        _models = new TestModels();
        foreach (string entry in new[] { "demo", "svd", "x4" })
        {
            File.Copy(Path.Combine(_media.Folder, entry + ".json"), Path.Combine(_models.Folder, entry + ".json"));
        }

        _models.WriteEdges("tiny", entry => entry["kinds"]!.AsArray().Add("outpaint"));
        _models.WriteSmall("tiny9", "sd15_inpaint9", "sd15", ["inpaint", "outpaint"]);
        _models.WriteSmall("edits", "instruct_pix2pix", "sd15", ["edit"]);
        _models.WriteSmall("xl", "sdxl", "sdxl", ["text2img", "img2img"], entry => entry["refiner"] = "xl-refiner");
        _models.WriteSmall("xl-refiner", "sdxl_refiner", "sdxl-refiner", ["img2img"]);
        _models.WriteSmall("flux", "flux_schnell", "flux", ["text2img", "img2img", "inpaint"], entry =>
            entry["default_scheduler"] = "flow_euler"
        );
        _models.WriteSmall("dev", "flux_dev", "flux", ["text2img"], entry => entry["default_scheduler"] = "flow_euler");
        _models.WriteSmall("fill", "flux_fill", "flux", ["inpaint", "outpaint"], entry => entry["default_scheduler"] = "flow_euler");

        _scope = await ServiceScope.CreateAsync();
        _worker = await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
        _entries = (await _scope.Registry.ModelsAsync(ServiceScope.Limit())).ToDictionary(entry => entry.Name, StringComparer.Ordinal);
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

    [TestCaseSource(nameof(Ways))]
    public async Task Run_OfEveryWayWithEveryScheduler_TakesTheStepsThatArePlannedAndPaidFor(string way)
    {
        string[] schedulers = way.Split(' ')[0] switch
        {
            "flux" or "fill" or "dev" => Flows,
            "x4" or "text2video" or "img2video" => Few,
            _ => Latents,
        };
        foreach (string scheduler in schedulers)
        {
            JobRequest request = Request(way, scheduler);
            JobPlan plan = PlanAsStored(request);

            (long steps, JobProgress progress) = await RunAsync(request, plan);

            Assert.That(plan.IsCurrent, Is.True, scheduler);
            Assert.That(steps, Is.EqualTo(plan.Steps * plan.Outputs), $"{scheduler}: run against planned");
            Assert.That((progress.Step, progress.Steps), Is.EqualTo(((int)steps, (int)steps)), $"{scheduler}: told");
            decimal paid = plan.Passes.Sum(pass => (decimal)pass.Width * pass.Height / 1_000_000m * pass.Steps) * plan.Frames;
            Assert.That((plan.MegapixelSteps, plan.Work), Is.EqualTo((paid, (double)(paid * plan.Outputs))), $"{scheduler}: paid for");
        }
    }

    [TestCase(0.7, 3)]
    [TestCase(0.2, 1)]
    public async Task Run_OfFluxInFourSteps_TakesAsManyAsArePaidFor(double strength, int expected)
    {
        var request = new Img2ImgRequest(ServiceScope.Apple(steps: 4, side: 64) with { Model = "flux", Scheduler = "flow_euler" }, _picture)
        {
            Strength = strength,
        };
        JobPlan plan = PlanAsStored(request);

        (long steps, _) = await RunAsync(request, plan);

        Assert.That((steps, plan.MegapixelSteps), Is.EqualTo(((long)expected, 0.004096m * expected)));
    }

    /// <summary>A plan of another schedule than the model has is not followed.</summary>
    [Test]
    public void Run_OfAPlanForAnotherSchedule_IsRefused()
    {
        JobRequest request = Request("text2img", "ddim");
        JobPlan plan = PlanAsStored(request);

        Assert.That(
            () => RunAsync(request, plan with { Passes = [plan.Passes[0] with { Calls = 9, End = 9 }] }),
            Throws.TypeOf<Diffusion.Pipelines.SettingException>().With.Message.Contains("planned as calls 0 to 9 of 9")
        );
    }

    /// <summary>As it comes back from the job's row.</summary>
    private JobPlan PlanAsStored(JobRequest request) =>
        JsonSerializer.Deserialize<JobPlan>(
            JsonSerializer.Serialize(JobPlanner.Plan(request, _entries[request.Model], _entries.GetValueOrDefault), WireJson.Options),
            WireJson.Options
        )!;

    private async Task<(long Steps, JobProgress Progress)> RunAsync(JobRequest request, JobPlan plan)
    {
        long steps = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Meter.Name == WorkerMetrics.MeterName && instrument.Name == "generation_worker_steps")
                {
                    own.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref steps, count));
        listener.Start();
        var claim = new ClaimedJob
        {
            Id = JobId.New(TimeProvider.System),
            AccountId = Guid.NewGuid(),
            Model = request.Model,
            Request = request,
            Plan = plan,
            Attempt = 1,
            LeaseEpoch = 1,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        using var job = new RunningJob(claim, _worker.Services.GetRequiredService<SlotGate>().TryEnter()!);
        IReadOnlyList<JobOutput> outputs = await _worker.Services.GetRequiredService<Renderers>().Find(request.Kind)!.RunAsync(job);
        Assert.That(outputs, Has.Count.EqualTo(plan.Outputs));
        return (steps, job.Progress);
    }

    private JobRequest Request(string way, string scheduler)
    {
        string[] words = way.Split(' ');
        string model = words[0] switch
        {
            "flux" or "dev" or "fill" => words[0],
            "refined" => "xl",
            "edit" => "edits",
            "inpaint9" or "outpaint9" => "tiny9",
            _ => "tiny",
        };
        double strength = double.TryParse(words[^1], out double share) ? share : 1;
        Text2ImgRequest common = ServiceScope.Apple(steps: 5, images: way == "text2img" ? 2 : 1, side: 64) with
        {
            Model = model,
            Scheduler = scheduler,
            GuidanceRescale = 0,
        };
        string kind = model == words[0] ? words[1] : words[0].TrimEnd('9');
        return kind switch
        {
            "img2img" => new Img2ImgRequest(common, _picture) { Strength = strength },
            "inpaint" => new InpaintRequest(common, _picture) { Mask = _mask, Strength = strength },
            "outpaint" => new OutpaintRequest(common with { Width = 96 }, _picture) { Left = 32, Overlap = 8 },
            "hires" => common with { Width = 128, Height = 128, HiresFix = new HiresFix(2, 0.5, 3) },
            "controlnet" => new ControlNetRequest(
                common,
                [
                    new ControlUse
                    {
                        Image = _picture,
                        Type = "canny",
                        Preprocessor = "canny",
                    },
                ]
            ),
            "edit" => new EditRequest(common, _picture) { ImageGuidanceScale = 1.5 },
            "refined" when words.Length > 1 => new Img2ImgRequest(common with { Refiner = new RefinerUse("xl-refiner", 0.6) }, _picture)
            {
                Strength = strength,
            },
            "refined" => common with { Refiner = new RefinerUse("xl-refiner", 0.6) },
            "x4" => Enlarge(scheduler),
            "text2video" => Clip("demo", null, scheduler),
            "img2video" => Clip("svd", _picture, scheduler),
            _ => common,
        };
    }

    private SuperResolutionRequest Enlarge(string scheduler) =>
        new()
        {
            Model = "x4",
            Image = _picture,
            Scale = 4,
            Width = _picture.Width * 4,
            Height = _picture.Height * 4,
            Prompt = "a cat",
            NumInferenceSteps = 5,
            GuidanceScale = 7,
            NoiseLevel = 20,
            Scheduler = scheduler,
            Seed = 1,
        };

    private static VideoRequest Clip(string model, StoredPicture? picture, string scheduler) =>
        new()
        {
            Model = model,
            Prompt = picture is null ? "a cat moving left" : "",
            Image = picture,
            Width = 48,
            Height = 32,
            NumFrames = 2,
            Fps = 8,
            NumInferenceSteps = 5,
            GuidanceScale = 3,
            Scheduler = scheduler,
            Seed = 1,
            OutputFormat = "zip",
        };
}
