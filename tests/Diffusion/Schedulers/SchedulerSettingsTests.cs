using System.IO.Compression;
using System.Text.Json;
using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Tests.Goldens;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>Short runs under hundreds of settings equal diffusers'. settings.py made the numbers and says how.</summary>
public sealed class SchedulerSettingsTests
{
    private static readonly JsonElement File = Load("settings.json.gz");

    private static IEnumerable<TestCaseData> Cases =>
        File.GetProperty("cases")
            .EnumerateArray()
            .Select((c, i) => new TestCaseData(c).SetArgDisplayNames($"{i} {c.GetProperty("class").GetString()}"));

    [TestCaseSource(nameof(Cases))]
    public void Run_UnderEachSetting_IsTheReferences(JsonElement one)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        JsonElement call = one.GetProperty("call");
        var config = SchedulerConfig.FromJson(call.GetProperty("config"), one.GetProperty("class").GetString());
        int steps = call.TryGetProperty("steps", out JsonElement number) ? number.GetInt32() : 0;
        using var scheduler = Scheduler.Create(config, steps, SchedulersTests.OptionsOf(call));
        double tolerance = File.GetProperty("tolerance").GetDouble();
        string label = call.GetRawText();
        GoldenCase.AssertClose(
            tensor(scheduler.Timesteps.ToArray()),
            tensor(Numbers(one, "timesteps")),
            $"timesteps of {label}",
            tolerance
        );

        Tensor wanted = tensor(Numbers(one, "latents")).view(-1, 12);
        Tensor j = arange(12, dtype: ScalarType.Float64);
        Tensor sample = (j * 1.7 + 0.3).sin().to(ScalarType.Float32).view(1, 2, 2, 3) * scheduler.InitNoiseSigma;
        int drawn = 0;
        for (int i = 0; i < scheduler.Timesteps.Count; i++)
        {
            Tensor output =
                scheduler.ScaleModelInput(sample, i) * 0.5 + (j * 0.9 + 1.3 * i).cos().to(ScalarType.Float32).view(1, 2, 2, 3) * 0.3;
            sample = scheduler.Step(output, i, sample, () =>
                (j * 2.1 + (0.7 * drawn++ + 0.5)).sin().to(ScalarType.Float32).view(1, 2, 2, 3)
            );
            GoldenCase.AssertClose(sample.flatten(), wanted[i], $"latent {i} of {label}", tolerance);
        }

        Assert.That(drawn, Is.EqualTo(one.GetProperty("noises").GetInt32()), "noises drawn");
    }

    private static double[] Numbers(JsonElement one, string name) => [.. one.GetProperty(name).EnumerateArray().Select(PythonJson.Number)];

    /// <summary>Reads a packed file of this folder.</summary>
    internal static JsonElement Load(string name)
    {
        using FileStream stream = System.IO.File.OpenRead(GoldenCase.InRepository($"tests/Diffusion/Schedulers/{name}"));
        using var unpacked = new GZipStream(stream, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(unpacked);
        return document.RootElement.Clone();
    }
}
