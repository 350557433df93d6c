using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Workers;

namespace Generation.Api.Tests;

/// <summary>What each kind refuses, and what it says then.</summary>
public sealed class KindErrorTests
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

    [TestCase("text2img", """{"prompt": "a", "model": "rich", "loras": [{"model": "huge"}]}""", "loras[0].model", "family sdxl")]
    [TestCase("text2img", """{"prompt": "a", "model": "rich", "loras": [{"model": "inc"}]}""", "loras[0].model", "did you mean 'ink'")]
    [TestCase("text2img", """{"prompt": "a", "model": "rich", "loras": [{"scale": 9}]}""", "loras[0].scale", "-4 to 4")]
    [TestCase("text2img", """{"prompt": "a", "model": "demo", "vae": "sharp"}""", "vae", "has no other vae")]
    [TestCase("text2img", """{"prompt": "a", "model": "demo", "safety": "black"}""", "safety", "has no safety checker")]
    [TestCase("text2img", """{"prompt": "a", "model": "demo", "refiner": {}}""", "refiner.model", "is required")]
    [TestCase("text2img", """{"prompt": "a", "model": "rich", "refiner": {"model": "enlarger"}}""", "refiner.model", "esrgan")]
    [TestCase("text2img", """{"prompt": "a", "hires_fix": {"strength": 0}}""", "hires_fix.strength", "above 0")]
    [TestCase("img2img", """{"prompt": "a"}""", "image", "is required")]
    [TestCase("img2img", """{"prompt": "a", "image": "SMALL", "strength": 0}""", "strength", "above 0")]
    [TestCase("img2img", """{"prompt": "a", "image": "SMALL", "strength": 0.1, "num_inference_steps": 5}""", "strength", "none of 5 steps")]
    [TestCase("img2img", """{"prompt": "a", "image": "not base64"}""", "image", "must be an upload's id")]
    [TestCase("img2img", """{"prompt": "a", "image": 5}""", "image", "must be a string")]
    [TestCase("inpaint", """{"prompt": "a", "image": "SMALL"}""", "mask", "required")]
    [TestCase("inpaint", """{"prompt": "a", "image": "SMALL", "mask": "WIDE"}""", "mask", "aspect")]
    [TestCase("inpaint", """{"prompt": "a", "image": "SMALL", "mask_prompt": "the sky"}""", "mask_prompt", "no network that finds masks")]
    [TestCase("inpaint", """{"prompt": "a", "image": "SMALL", "mask": "SMALL", "mask_mode": "white"}""", "mask_mode", "paint_white")]
    [TestCase("inpaint", """{"prompt": "a", "image": "SMALL", "mask": "SMALL", "hires_fix": {}}""", "hires_fix", "not with inpaint")]
    [TestCase("outpaint", """{"prompt": "a", "image": "WIDE"}""", "left", "at least one side")]
    [TestCase("outpaint", """{"prompt": "a", "image": "WIDE", "left": 2000}""", "left", "48 to 1024")]
    [TestCase("outpaint", """{"prompt": "a", "image": "WIDE", "left": 8, "width": 400}""", "width", "leave it out")]
    [TestCase("edit", """{"prompt": "a", "image": "WIDE", "image_guidance_scale": 0}""", "image_guidance_scale", "1 to 20")]
    [TestCase("controlnet", """{"prompt": "a"}""", "control", "is required")]
    [TestCase("controlnet", """{"prompt": "a", "control": []}""", "control", "1 to 4")]
    [TestCase("controlnet", """{"prompt": "a", "control": [{"image": "WIDE", "type": "pose"}]}""", "control[0].type", "canny, depth")]
    [TestCase("controlnet", """{"prompt": "a", "control": [{"type": "canny"}]}""", "control[0].image", "is required")]
    [TestCase(
        "controlnet",
        """{"prompt": "a", "control": [{"image": "WIDE", "type": "canny", "start": 0.5, "end": 0.5}]}""",
        "control[0].start",
        "below end"
    )]
    [TestCase("super-resolution", """{"image": "SMALL", "scale": 5}""", "scale", "2 to 4")]
    [TestCase("super-resolution", """{"image": "WIDE", "scale": 2}""", "image", "600 x 400")]
    [TestCase("video", """{"prompt": "a", "num_frames": 500}""", "num_frames", "1 to 16 with demo")]
    [TestCase("video", """{"prompt": "a", "image": "SMALL"}""", "image", "a prompt alone")]
    [TestCase("video", """{"prompt": "a", "output_format": "avi"}""", "output_format", "mp4, webm, gif, webp, zip")]
    [TestCase("edit", """{"prompt": "a", "image": "WIDE", "model": "demo"}""", "model", "edit is done by rich")]
    public async Task Submit_FieldAtFault_NamesItsLimit(string kind, string body, string field, string says)
    {
        using HttpResponseMessage answer = await PostAsync(kind, body.Replace("SMALL", _small).Replace("WIDE", _wide));

        JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
        Assert.That(problem.GetProperty("errors").TryGetProperty(field, out JsonElement details), problem.ToString());
        Assert.That(string.Join(' ', details.EnumerateArray().Select(d => d.GetString())), Does.Contain(says));
    }

    [Test]
    public async Task Submit_KindThatItsWorkerCannotDoNow_SaysWhatIsMissingAndAllElseWorks()
    {
        await using ApiScope other = await ApiScope.CreateAsync();
        const string Missing = "ffmpeg is missing; apt install ffmpeg";
        await other
            .Get<WorkerRegistry>()
            .RegisterAsync(new WorkerRegistration("bare", [ApiScope.Demo.Without(JobKind.Video, Missing)], 1, null), default);
        JsonElement model;
        while (!(model = await other.Client.GetFromJsonAsync<JsonElement>("/v1/models/demo")).TryGetProperty("unavailable_kinds", out _))
        {
            await Task.Delay(100);
        }

        Assert.That(
            model.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetString()),
            Does.Contain("text2img").And.Not.Contain("video")
        );
        foreach (object body in (object[])[new { prompt = "a" }, new { prompt = "a", model = "demo" }])
        {
            using HttpResponseMessage answer = await other.Client.PostAsJsonAsync("/v1/video", body);
            JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
            Assert.That(
                ((int)answer.StatusCode, problem.GetProperty("code").GetString()),
                Is.EqualTo((503, "kind_unavailable")),
                problem.ToString()
            );
            Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("video").And.Contain(Missing));
        }

        await other.SubmitAsync();
        await other.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("bare", [ApiScope.Demo], 1, null), default);
        while ((await other.Client.GetFromJsonAsync<JsonElement>("/v1/models/demo")).TryGetProperty("unavailable_kinds", out _))
        {
            await Task.Delay(100);
        }

        using HttpResponseMessage taken = await other.Client.PostAsJsonAsync("/v1/video", new { prompt = "a" });
        Assert.That((int)taken.StatusCode, Is.EqualTo(202), await taken.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task Submit_KindThatNoModelDoes_IsUnsupported()
    {
        await using ApiScope other = await ApiScope.CreateAsync();
        using HttpResponseMessage answer = await other.Client.PostAsJsonAsync("/v1/edit", new { prompt = "a", image = _small });
        using HttpResponseMessage background = await other.Client.PostAsync("/v1/remove-background", null);

        foreach (HttpResponseMessage one in new[] { answer, background })
        {
            Assert.That((int)one.StatusCode, Is.EqualTo(422));
            Assert.That((await ApiScope.ReadAsync<JsonElement>(one)).GetProperty("code").GetString(), Is.EqualTo("unsupported_kind"));
        }
    }

    private async Task<HttpResponseMessage> PostAsync(string kind, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await _api.Client.PostAsync($"/v1/{kind}", content);
    }
}
