using System.Text.Json;
using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Tests.Goldens;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>
/// Timesteps and noise levels under hundreds of settings are diffusers', to the last bit. tables.py made the numbers and says how.
/// </summary>
public sealed class SchedulerTablesTests
{
    private static readonly JsonElement File = SchedulerSettingsTests.Load("tables.json.gz");

    private static IEnumerable<TestCaseData> Cases =>
        File.GetProperty("cases")
            .EnumerateArray()
            .Select((c, i) => new TestCaseData(c).SetArgDisplayNames($"{i} {c.GetProperty("class").GetString()}"));

    [TestCaseSource(nameof(Cases))]
    public void Create_UnderEachSetting_HasTheReferencesTables(JsonElement one)
    {
        JsonElement call = one.GetProperty("call");
        var config = SchedulerConfig.FromJson(call.GetProperty("config"), one.GetProperty("class").GetString());
        using var scheduler = Scheduler.Create(config, call.GetProperty("steps").GetInt32(), SchedulersTests.OptionsOf(call));

        // Between two levels, and in log_linear interpolation, stands torch's exponential: builds of torch differ in its last bit.
        float tolerance = one.GetProperty("rounded").GetBoolean() ? 4e-6f : 0;
        AssertEqual(scheduler.Timesteps, one.GetProperty("timesteps"), tolerance, $"timesteps of {call.GetRawText()}");
        if (one.TryGetProperty("sigmas", out JsonElement sigmas))
        {
            AssertEqual(scheduler.Sigmas, sigmas, tolerance, $"sigmas of {call.GetRawText()}");
        }
    }

    private static void AssertEqual(IReadOnlyList<double> actual, JsonElement expected, float tolerance, string label)
    {
        float[] found = [.. actual.Select(v => (float)v)];
        float[] wanted = [.. expected.EnumerateArray().Select(v => (float)PythonJson.Number(v))];
        Assert.That(found, Has.Length.EqualTo(wanted.Length), label);
        Assert.Multiple(() =>
        {
            for (int i = 0; i < found.Length; i++)
            {
                Assert.That(found[i], Is.EqualTo(wanted[i]).Within(tolerance * Math.Max(1, Math.Abs(wanted[i]))), $"{i} of the {label}");
            }
        });
    }
}
