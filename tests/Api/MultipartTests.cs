using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>Requests that come as multipart forms are read as their JSON would be.</summary>
public sealed class MultipartTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        await KindModels.RegisterAsync(_api);
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Submit_FilesAndFields_AreReadAsTheJsonWouldBe()
    {
        using MultipartFormDataContent form = Form(
            ("prompt", "a"),
            ("strength", "0.5"),
            ("metadata", """{"order": 7}"""),
            ("mask_grow", "2")
        );
        form.Add(File(300, 200), "image", "a.bin");
        form.Add(File(300, 200), "mask", "b.bin");
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/inpaint", form);

        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        JobDocument job = await ApiScope.ReadAsync<JobDocument>(answer);
        var request = (InpaintRequest)job.Request!;
        Assert.That((request.Strength, request.MaskGrow, request.Image.Width, request.Mask!.Width), Is.EqualTo((0.5, 2, 300, 300)));
        Assert.That(job.Metadata!.Value.GetProperty("order").GetInt32(), Is.EqualTo(7));
    }

    [Test]
    public async Task Submit_ControlFiles_GoToTheirPlaces()
    {
        using MultipartFormDataContent form = Form(
            ("prompt", "a"),
            ("control", """[{"type": "canny"}, {"type": "depth", "scale": 0.25}]""")
        );
        form.Add(File(300, 200), "control[0].image", "a.png");
        form.Add(File(40, 40), "control[1].image", "b.png");
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/controlnet", form);

        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        var request = (ControlNetRequest)(await ApiScope.ReadAsync<JobDocument>(answer)).Request!;
        Assert.That(
            request.Control.Select(c => (c.Type, c.Scale, c.Image.Width)),
            Is.EqualTo(new[] { ("canny", 1.0, 300), ("depth", 0.25, 40) })
        );
    }

    [Test]
    public async Task Submit_WrongNumberAndUnknownFile_AreFieldErrors()
    {
        using MultipartFormDataContent form = Form(("prompt", "a"), ("strength", "much"));
        form.Add(File(40, 40), "picture", "a.png");
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/img2img", form);

        JsonElement errors = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("errors");
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(errors.EnumerateObject().Select(e => e.Name), Is.SupersetOf(new[] { "strength", "picture", "image" }));
    }

    [Test]
    public async Task Submit_SameIdempotencyKeyWithAnotherBoundary_IsReplayed()
    {
        string[] jobs = new string[2];
        for (int i = 0; i < 2; i++)
        {
            using MultipartFormDataContent form = Form(("prompt", "a"), ("model", "demo"));
            form.Add(File(64, 64), "image", $"{i}.png");
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/img2img") { Content = form };
            request.Headers.Add("Idempotency-Key", "form-1");
            using HttpResponseMessage answer = await _api.Client.SendAsync(request);
            Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
            jobs[i] = answer.Headers.Location!.ToString();
        }

        Assert.That(jobs[1], Is.EqualTo(jobs[0]));
    }

    private static MultipartFormDataContent Form(params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent();
        foreach ((string name, string value) in fields)
        {
            form.Add(new StringContent(value), name);
        }

        return form;
    }

    private static ByteArrayContent File(int width, int height)
    {
        var content = new ByteArrayContent(KindModels.Png(width, height));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return content;
    }
}
