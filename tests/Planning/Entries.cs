using System.Text.Json;
using Generation.Contracts;
using Generation.Schedules;

namespace Generation.Planning.Tests;

/// <summary>Entries of models as workers register them, and requests for them.</summary>
internal static class Entries
{
    public static StoredPicture Picture { get; } = new(new string('a', 64), "image/png", 123, 64, 64);

    public static ModelEntry Demo { get; } =
        JsonSerializer.Deserialize<ModelEntry>(
            File.ReadAllText(Path.Combine(TestContext.CurrentContext.TestDirectory, "demo.json")),
            WireJson.Options
        )!;

    /// <summary>Stable Diffusion 1.5, whose own scheduler is PNDM.</summary>
    public static ModelEntry Latent { get; } =
        Demo with
        {
            Name = "sd15",
            Upscaler = null,
            Network = Facts(
                SchedulerConfig.Parse(
                    """
                    {"_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
                    "skip_prk_steps": true, "steps_offset": 1}
                    """
                )
            ),
        };

    public static ModelEntry Refiner { get; } = Latent with { Name = "refiner" };

    public static ModelEntry Inpainting { get; } = Latent with { Name = "inpainting", Network = Latent.Network! with { SeesMask = true } };

    /// <summary>FLUX.1 schnell.</summary>
    public static ModelEntry Flux { get; } =
        Latent with
        {
            Name = "schnell",
            Family = "flux",
            DefaultScheduler = "flow_euler",
            Network = Facts(
                SchedulerConfig.Parse("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1.0, "use_dynamic_shifting": false}""")
            ),
        };

    /// <summary>FLUX.1 dev, whose schedule depends on the picture's size.</summary>
    public static ModelEntry FluxDev { get; } =
        Flux with
        {
            Name = "dev",
            Network = Facts(
                SchedulerConfig.Parse("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0, "use_dynamic_shifting": true}""")
            ),
        };

    public static ModelEntry Enlarger { get; } = Latent with { Name = "x4", Scale = 4, MaxSteps = 100 };

    public static ModelEntry PlainEnlarger { get; } = Demo with { Name = "esrgan", Scale = 4, MaxSteps = 1 };

    public static JobPlan Plan(JobRequest request, ModelEntry model, params ModelEntry[] others) =>
        JobPlanner.Plan(request, model, name => others.FirstOrDefault(other => other.Name == name));

    public static Text2ImgRequest Words(int steps = 20, string scheduler = "ddim") =>
        new()
        {
            Model = "any",
            Prompt = "a red apple",
            Width = 64,
            Height = 64,
            NumInferenceSteps = steps,
            GuidanceScale = 4,
            Scheduler = scheduler,
            Seed = 1,
            NumImages = 1,
        };

    public static Img2ImgRequest FromPicture(int steps, double strength, string scheduler = "ddim") =>
        new(Words(steps, scheduler), Picture) { Strength = strength };

    private static NetworkFacts Facts(SchedulerConfig scheduler) => new(scheduler.ToJson(), SeesMask: false);
}
