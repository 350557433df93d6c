using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Hosting.Servers;

namespace Generation.Faces.Tests.Dezgo;

/// <summary>What belongs to no one call: the port of its own, the models, the description, and whose jobs are seen.</summary>
public sealed class DezgoServiceTests : DezgoTests
{
    [Test]
    public async Task Port_OfItsOwn_HasTheFaceAtItsRoot()
    {
        int port = Ports.Free();
        FaceStack stack = await FaceStack.GetAsync();
        await using FaceApi api = stack.StartApi(0, ("Faces:Dezgo:Port", port.ToString(CultureInfo.InvariantCulture)));
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        JsonElement description = await client.GetFromJsonAsync<JsonElement>("/openapi.json", FaceStack.Limit());
        using HttpResponseMessage missing = await client.PostAsJsonAsync("/text2image", new { prompt = "a" }, FaceStack.Limit());
        using HttpClient native = api.Client();
        using HttpResponseMessage health = await native.GetAsync("/healthz", FaceStack.Limit());

        Assert.That(description.GetProperty("servers")[0].GetProperty("url").GetString(), Is.EqualTo($"http://127.0.0.1:{port}"));
        Assert.That(await MessageAsync(missing, 401), Is.Not.Empty);
        Assert.That(health.StatusCode, Is.EqualTo(HttpStatusCode.OK), "its other port is as it was");
    }

    [Test]
    public async Task Info_WithoutAKey_ListsTheModels()
    {
        using HttpClient stranger = Api.Client();
        JsonElement info = await stranger.GetFromJsonAsync<JsonElement>("/faces/dezgo/info", FaceStack.Limit());
        JsonElement demo = info.GetProperty("models").EnumerateArray().Single(m => m.GetProperty("id").GetString() == "demo");

        Assert.That(info.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "name", "version", "models" }));
        Assert.That(
            demo.EnumerateObject().Select(p => p.Name),
            Is.EqualTo(
                new[] { "id", "name", "family", "description", "license", "categories", "functions", "nativeResolution", "triggers" }
            )
        );
        Assert.That(demo.GetProperty("functions").EnumerateArray().Select(f => f.GetString()), Does.Contain("text2image"));
        Assert.That(demo.GetProperty("nativeResolution").GetProperty("width").GetInt32(), Is.EqualTo(64));
    }

    [Test]
    public async Task OpenApi_WithoutAKey_DescribesEveryCall()
    {
        using HttpClient stranger = Api.Client();
        JsonElement description = await stranger.GetFromJsonAsync<JsonElement>("/faces/dezgo/openapi.json", FaceStack.Limit());
        JsonElement content = description
            .GetProperty("paths")
            .GetProperty("/inpainting")
            .GetProperty("post")
            .GetProperty("requestBody")
            .GetProperty("content");

        Assert.That(
            description.GetProperty("servers")[0].GetProperty("url").GetString(),
            Is.EqualTo(new Uri(Api.Address, "/faces/dezgo").ToString())
        );
        Assert.That(
            description.GetProperty("paths").EnumerateObject().Select(p => p.Name),
            Is.SupersetOf(
                new[]
                {
                    "/text2image",
                    "/text2image_sdxl",
                    "/text2image_sdxl_lightning",
                    "/text2image_flux",
                    "/image2image",
                    "/inpainting",
                    "/text-inpainting",
                    "/edit-image",
                    "/controlnet",
                    "/upscale",
                    "/text2video",
                    "/info",
                    "/account/tx/last",
                    "/account/file",
                }
            )
        );
        Assert.That(
            content.EnumerateObject().Select(c => c.Name),
            Is.EqualTo(new[] { "application/json", "application/x-www-form-urlencoded", "multipart/form-data" })
        );
        Assert.That(
            content
                .GetProperty("multipart/form-data")
                .GetProperty("schema")
                .GetProperty("properties")
                .GetProperty("mask_image")
                .GetProperty("format")
                .GetString(),
            Is.EqualTo("binary")
        );
    }

    [Test]
    public async Task Job_OfThisFace_IsSeenThroughTheNativeOneByItsOwnerAlone()
    {
        using HttpResponseMessage answer = await PostAsync("text2image", """{"prompt":"a","steps":10,"width":320,"height":320}""");
        string id = Header(answer, "x-dezgo-job-id");
        using HttpClient owner = Api.Client(User);
        using HttpClient other = ClientOf(await Api.NewUserAsync());

        Assert.That(
            (await owner.GetFromJsonAsync<JobDocument>($"/v1/jobs/{id}", WireJson.Options, FaceStack.Limit()))!.State,
            Is.EqualTo(JobState.Succeeded)
        );
        using HttpResponseMessage hidden = await other.GetAsync($"/faces/dezgo/account/file?id={id}/output", FaceStack.Limit());
        Assert.That(hidden.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }
}
