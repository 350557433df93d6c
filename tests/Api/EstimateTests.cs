using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>What a request would cost, before it is sent.</summary>
public sealed class EstimateTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Estimate_OfARequest_IsWhatItCostsAndMakesNothing()
    {
        var body = new
        {
            prompt = "a red apple",
            num_images = 3,
            num_inference_steps = 7,
            width = 512,
            height = 256,
        };
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync("/v1/text2img/estimate", body);
        JsonElement estimate = await ApiScope.ReadAsync<JsonElement>(answer);
        JsonElement jobs = await ApiScope.ReadAsync<JsonElement>(await _api.Client.GetAsync("/v1/jobs"));
        JobDocument job = await _api.SubmitAsync(body);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(jobs.GetProperty("data").GetArrayLength(), Is.Zero);
        Assert.That(estimate.GetProperty("cost").GetDecimal(), Is.EqualTo(job.Cost.Held.Value));
        Assert.That(
            (
                estimate.GetProperty("width").GetInt32(),
                estimate.GetProperty("outputs").GetInt32(),
                estimate.GetProperty("steps").GetInt32()
            ),
            Is.EqualTo((512, 3, 7))
        );
        Assert.That(estimate.GetProperty("waiting_reason").GetString(), Does.Contain("No worker"));
        Assert.That(estimate.GetProperty("waiting_notice").GetProperty("code").GetString(), Is.EqualTo("no_worker"));
        Assert.That(estimate.GetProperty("waiting_notice").GetProperty("values").GetProperty("model").GetString(), Is.EqualTo("demo"));
    }

    [Test]
    public async Task Estimate_OfAWrongRequest_TellsItsFaultsAsASubmissionDoes()
    {
        var body = new { prompt = "", num_inference_steps = 5000 };
        JsonElement estimated = await ApiScope.ReadAsync<JsonElement>(await _api.Client.PostAsJsonAsync("/v1/text2img/estimate", body));
        JsonElement submitted = await ApiScope.ReadAsync<JsonElement>(await _api.Client.PostAsJsonAsync("/v1/text2img", body));

        Assert.That(estimated.GetProperty("errors").GetRawText(), Is.EqualTo(submitted.GetProperty("errors").GetRawText()));
    }
}
