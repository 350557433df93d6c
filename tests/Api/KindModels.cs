using System.Text.Json;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Workers;

namespace Generation.Api.Tests;

/// <summary>Models that together do every kind, as workers would have registered them, and pictures for them.</summary>
internal static class KindModels
{
    /// <summary>Does what the demo model does not, with every option.</summary>
    public static ModelEntry Rich { get; } =
        ApiScope.Demo with
        {
            Name = "rich",
            Kinds = [JobKind.Text2Img, JobKind.Img2Img, JobKind.Edit, JobKind.ControlNet],
            MultipleOf = 8,
            ControlNets = [new("Edges", "canny", "nets/canny"), new("Depth", "depth", "nets/depth")],
            SafetyChecker = "checker",
            Vaes = [new("sharp", "vaes/sharp")],
            Loras = [new("ink", "sd15"), new("huge", "sdxl")],
            Refiner = "demo",
        };

    /// <summary>Enlarges by a network without steps.</summary>
    public static ModelEntry Enlarger { get; } =
        new()
        {
            Name = "enlarger",
            Family = "esrgan",
            Kinds = [JobKind.SuperResolution],
            Path = "enlarger",
            Scale = 4,
            MinSide = 8,
            MaxSide = 512,
            MaxPixels = 512 * 512,
        };

    /// <summary>FLUX.1 schnell, which draws along flows.</summary>
    public static ModelEntry Schnell { get; } =
        ApiScope.Demo with
        {
            Name = "schnell",
            Family = "flux",
            Kinds = [JobKind.Img2Img],
            Upscaler = null,
            DefaultScheduler = "flow_euler",
            Network = new NetworkFacts(
                JsonSerializer.Deserialize<JsonElement>("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1.0}"""),
                SeesMask: false
            ),
        };

    /// <summary>Registers them by a worker that goes at once: jobs wait.</summary>
    public static async Task RegisterAsync(ApiScope api)
    {
        WorkerRegistry workers = api.Get<WorkerRegistry>();
        await workers.RegisterAsync(
            new WorkerRegistration("other", [ApiScope.Demo, Rich, Schnell, Enlarger], 1, null, [new SchedulerEntry("heun", "")]),
            default
        );
        await workers.RemoveAsync("other", default);
        // What the API knows of the models is up to a second old
        while (!(await api.Client.GetStringAsync("/v1/models")).Contains(Enlarger.Name, StringComparison.Ordinal))
        {
            await Task.Delay(100);
        }
    }

    /// <summary>A PNG file of an empty picture.</summary>
    public static byte[] Png(int width, int height) => PictureCodec.Encode(new Picture(width, height, 3), PictureFormat.Png);

    /// <summary>The same as base64, as a request brings it.</summary>
    public static string Base64(int width, int height) => Convert.ToBase64String(Png(width, height));
}
