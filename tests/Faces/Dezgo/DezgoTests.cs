using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.Hosting.Servers;

namespace Generation.Faces.Tests.Dezgo;

public sealed class DezgoTests : FaceTests
{
    [Test]
    public async Task Text2Image_Json_AnswersWithThePictureAndItsHeaders()
    {
        // As the official sample sends it, with numbers as strings here and there
        FaceUser user = await Api.NewUserAsync(10);
        using HttpClient client = ClientOf(user);
        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a red apple",
                negative_prompt = "blurry",
                model = "dreamshaper_8",
                width = "512",
                height = 512,
                steps = 30,
                guidance = "7.5",
                sampler = "k_lms",
                seed = "4294967295",
                upscale = "1",
                lora1 = "",
                lora2 = "",
                style = "none",
            },
            FaceStack.Limit()
        );

        byte[] picture = await PictureAsync(answer);
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(PictureHeader.Read(picture), Is.EqualTo(new PictureHeader("image/png", 512, 512)));
        Assert.That(Header(answer, "x-dezgo-auth-userid"), Is.EqualTo(user.Account.ToString("N")));
        Assert.That(Header(answer, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0019"));
        Assert.That(Header(answer, "x-dezgo-balance-credits-usd"), Is.EqualTo("0.0100"));
        Assert.That(Header(answer, "x-dezgo-balance-debits-usd"), Is.EqualTo("0.0019"));
        Assert.That(Header(answer, "x-dezgo-balance-total-usd"), Is.EqualTo("0.0081"));
        Assert.That(long.Parse(Header(answer, "x-dezgo-balance-index")), Is.Positive);
        Assert.That(Header(answer, "x-input-seed"), Is.EqualTo("4294967295"));
        Assert.That(Header(answer, "x-filename"), Does.EndWith(".png"));
        JobDocument job = (await Api.JobsAsync(user)).Single();
        Assert.That(Header(answer, "x-dezgo-job-id"), Is.EqualTo(job.Id.ToString()));
        Assert.That(job.Cost.Charged, Is.EqualTo(Credits.Of(1.9m)));
        var request = (Text2ImgRequest)job.Request!;
        Assert.That(
            (request.Model, request.Scheduler, request.NumInferenceSteps, request.GuidanceScale, request.NegativePrompt, request.Seed),
            Is.EqualTo(("demo", "lms", 30, 7.5, "blurry", 4294967295L))
        );

        JsonElement last = await client.GetFromJsonAsync<JsonElement>("/faces/dezgo/account/tx/last", FaceStack.Limit());
        Assert.That(
            (last.GetProperty("type").GetString(), last.GetProperty("amount").GetDecimal(), last.GetProperty("balance").GetDecimal()),
            Is.EqualTo(("job", -0.0019m, 0.0081m))
        );
        Assert.That(
            (last.GetProperty("credits").GetDecimal(), last.GetProperty("debits").GetDecimal(), last.GetProperty("userId").GetString()),
            Is.EqualTo((0.01m, 0.0019m, user.Account.ToString("N")))
        );
        Assert.That(last.GetProperty("index").GetInt64(), Is.EqualTo(long.Parse(Header(answer, "x-dezgo-balance-index"))));
        Assert.That(last.GetProperty("meta").GetProperty("job.function").GetString(), Is.EqualTo("text2image"));
        Assert.That(
            DateTimeOffset.Parse(last.GetProperty("time").GetString()!, CultureInfo.InvariantCulture),
            Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(5))
        );

        byte[] stored = await client.GetByteArrayAsync($"/faces/dezgo/account/file?id={job.Id}/output&offset=0", FaceStack.Limit());
        Assert.That(stored, Is.EqualTo(picture));
        JsonElement inputs = await client.GetFromJsonAsync<JsonElement>($"/faces/dezgo/account/file?id={job.Id}/input", FaceStack.Limit());
        Assert.That(
            (inputs.GetProperty("prompt").GetProperty("Value").GetString(), inputs.GetProperty("steps").GetProperty("Value").GetInt32()),
            Is.EqualTo(("a red apple", 30))
        );
    }

    [Test]
    public async Task Text2Image_RapidApiForm_HasItsHeaders()
    {
        using HttpClient client = Api.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/text2image")
        {
            Content = new StringContent(
                "prompt=a+red+apple&steps=10&width=320&height=320&seed=&model=",
                Encoding.UTF8,
                "application/x-www-form-urlencoded"
            ),
        };
        request.Headers.Add("X-RapidAPI-Key", User.Key);
        request.Headers.Add("X-RapidAPI-Host", "dezgo.p.rapidapi.com");
        request.Headers.Accept.ParseAdd("image/*");
        using HttpResponseMessage answer = await client.SendAsync(request, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 320, 320)));
        Assert.That(Header(answer, "x-credits-cost"), Is.EqualTo("6"));
        long limit = long.Parse(Header(answer, "x-ratelimit-credits-limit"));
        Assert.That(limit, Is.EqualTo(10_000), "a dollar");
        Assert.That(long.Parse(Header(answer, "x-ratelimit-credits-remaining")), Is.Positive.And.LessThan(limit));
        Assert.That(long.Parse(Header(answer, "x-ratelimit-credits-reset")), Is.InRange(0, 31 * 24 * 3600));
    }

    [Test]
    public async Task Text2Image_ByHostInMultipartWithoutFiles_IsUnderstood()
    {
        using var form = new MultipartFormDataContent();
        foreach (
            (string name, string value) in new[]
            {
                ("prompt", "a red apple"),
                ("steps", "10"),
                ("format", "jpg"),
                ("width", "320"),
                ("height", "320"),
                ("seed", "7"),
                ("lora1", ""),
            }
        )
        {
            form.Add(new StringContent(value), name);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/text2image") { Content = form };
        request.Headers.Host = "api.dezgo.com";
        using HttpResponseMessage answer = await Client.SendAsync(request, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/jpeg", 320, 320)));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/jpeg"));
        Assert.That(Header(answer, "x-input-seed"), Is.EqualTo("7"));
    }

    [Test]
    public async Task Text2Image_UpscaledTwice_CostsBothAndIsTwiceAsLarge()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/faces/dezgo/text2image_sdxl",
            new
            {
                prompt = "a red apple",
                width = 96,
                height = 64,
                steps = 10,
                upscale = 2,
            },
            FaceStack.Limit()
        );

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 192, 128)));
        IReadOnlyList<JobDocument> jobs = await Api.JobsAsync(user);
        Assert.That(jobs.Select(j => j.Kind), Is.EquivalentTo(new[] { JobKind.Text2Img, JobKind.SuperResolution }));
        Assert.That(
            jobs.Single(j => j.Kind == JobKind.SuperResolution).Cost.Charged,
            Is.EqualTo(Credits.Of(0.5m)),
            "the least for enlarging, 5 of that service's credits"
        );
        Assert.That(
            decimal.Parse(Header(answer, "x-dezgo-job-amount-usd"), CultureInfo.InvariantCulture),
            Is.EqualTo(jobs.Sum(j => j.Cost.Charged.Value) / 1000)
        );
    }

    [Test]
    public async Task Upscale_PictureAsBase64OrFile_IsTwiceAsLarge()
    {
        byte[] picture = TestPictures.Gradient(96, 64);
        using HttpResponseMessage json = await Client.PostAsJsonAsync(
            "/faces/dezgo/upscale",
            new { image = Convert.ToBase64String(picture) },
            FaceStack.Limit()
        );
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(picture), "image", "a.png" },
            { new StringContent("webp"), "format" },
        };
        using HttpResponseMessage multipart = await Client.PostAsync("/faces/dezgo/upscale", form, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(json)), Is.EqualTo(new PictureHeader("image/png", 192, 128)));
        Assert.That(PictureHeader.Read(await PictureAsync(multipart)), Is.EqualTo(new PictureHeader("image/webp", 192, 128)));
        Assert.That(Header(json, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0005"));
    }

    [Test]
    public async Task Image2Image_FileInAForm_ChangesThePicture()
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("a green pear"), "prompt" },
            { new StringContent("0.5"), "strength" },
            { new StringContent("20"), "steps" },
        };
        form.Add(new ByteArrayContent(TestPictures.Gradient(320, 320)), "init_image", "photo.png");
        using HttpResponseMessage answer = await Client.PostAsync("/faces/dezgo/image2image", form, FaceStack.Limit());

        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(320, 320), await PictureAsync(answer));
        Assert.That(inside + outside, Is.GreaterThan(320 * 320 / 2));
        Assert.That(Header(answer, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0013"), "0.66242 credits a step, 20 steps");
    }

    [Test]
    public async Task Inpainting_WhiteInTheMask_IsPainted()
    {
        byte[] picture = TestPictures.Gradient(320, 320);
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            "/faces/dezgo/inpainting",
            new
            {
                prompt = "a green pear",
                init_image = Convert.ToBase64String(picture),
                mask_image = Convert.ToBase64String(TestPictures.WhiteMiddle(320, 320)),
                steps = 10,
            },
            FaceStack.Limit()
        );

        (int inside, int outside) = TestPictures.Differences(picture, await PictureAsync(answer));
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(160 * 160 / 2));
    }

    [Test]
    public async Task Text2Video_Prompt_IsAClip()
    {
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            "/faces/dezgo/text2video",
            new
            {
                prompt = "a red apple",
                steps = 4,
                width = 64,
                height = 64,
                num_frames = 4,
                format = "gif",
            },
            FaceStack.Limit()
        );

        byte[] clip = await PictureAsync(answer);
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/gif"));
        Assert.That(Encoding.ASCII.GetString(clip, 0, 4), Is.EqualTo("GIF8"));
    }

    // Without a model for it, the call is there and says what is missing
    [TestCase("text-inpainting", """{"prompt":"a","mask_prompt":"the apple","init_image":"PICTURE"}""")]
    [TestCase("edit-image", """{"prompt":"a","init_image":"PICTURE"}""")]
    [TestCase("controlnet", """{"prompt":"a","init_image":"PICTURE","control_model":"canny"}""")]
    [TestCase("text2image_sdxl", """{"prompt":"a","refiner":true}""")]
    [TestCase("text2image_sdxl_lightning", """{"prompt":"a","transparent_background":"true"}""")]
    [TestCase("text2image_flux", """{"prompt":"a","lora1":"0123456789abcdef"}""")]
    public async Task Call_WhatNoModelHereDoes_SaysSo(string function, string body)
    {
        using HttpResponseMessage answer = await PostAsync(
            function,
            body.Replace("PICTURE", Convert.ToBase64String(TestPictures.Gradient(64, 64)), StringComparison.Ordinal)
        );
        Assert.That(await MessageAsync(answer, 400), Is.Not.Empty);
    }

    [TestCase("text2image_sdxl")]
    [TestCase("text2image_sdxl_lightning")]
    [TestCase("text2image_flux")]
    public async Task Text2Image_OtherFunctions_AreTextToPicturesOfTheModelThatIsThere(string function)
    {
        using HttpResponseMessage answer = await PostAsync(function, """{"prompt":"a red apple","width":512,"height":512,"steps":2}""");
        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 512, 512)));
        JobDocument job = (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == Header(answer, "x-dezgo-job-id"));
        Assert.That(
            decimal.Parse(Header(answer, "x-dezgo-job-amount-usd"), CultureInfo.InvariantCulture),
            Is.EqualTo(job.Cost.Charged.Value / 1000),
            "the system's own price: none is published"
        );
    }

    [TestCase("""{"steps":10}""", "prompt")]
    [TestCase("""{"prompt":"a","steps":9999}""", "steps")]
    [TestCase("""{"prompt":"a","steps":"many"}""", "steps")]
    [TestCase("""{"prompt":"a","width":100}""", "width")]
    [TestCase("""{"prompt":"a","width":325}""", "width")]
    [TestCase("""{"prompt":"a","guidance":-30}""", "guidance")]
    [TestCase("""{"prompt":"a","sampler":"magic"}""", "sampler")]
    [TestCase("""{"prompt":"a","model":"nothing_1_0"}""", "model")]
    [TestCase("""{"prompt":"a","format":"bmp"}""", "format")]
    [TestCase("""{"prompt":"a","seed":-1}""", "seed")]
    [TestCase("""{"prompt":"a","upscale":3}""", "upscale")]
    public async Task Text2Image_BadInput_IsAMessageThatNamesTheField(string body, string field)
    {
        using HttpResponseMessage answer = await PostAsync("text2image", body);
        Assert.That(await MessageAsync(answer, 400), Does.Contain(field + ":"));
        Assert.That(Header(answer, "x-dezgo-auth-userid"), Is.EqualTo(User.Account.ToString("N")));
    }

    [Test]
    public async Task Call_WithoutKeyOrMoneyOrPath_HasAMessage()
    {
        using HttpClient stranger = Api.Client();
        using HttpResponseMessage missing = await stranger.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(missing, 401), Is.Not.Empty);
        using HttpClient wrong = ClientOf(new FaceUser(Guid.Empty, "DEZGO-0123456789ABCDEF"));
        using HttpResponseMessage unknown = await wrong.PostAsJsonAsync("/faces/dezgo/text2image", new { prompt = "a" }, FaceStack.Limit());
        Assert.That(await MessageAsync(unknown, 401), Is.Not.Empty);
        using HttpClient poor = ClientOf(await Api.NewUserAsync(1.8m));
        using HttpResponseMessage unpaid = await poor.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a",
                width = 512,
                height = 512,
            },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(unpaid, 402), Is.Not.Empty);
        using HttpClient barely = ClientOf(await Api.NewUserAsync(1.9m));
        using HttpResponseMessage half = await barely.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a",
                width = 512,
                height = 512,
                upscale = 2,
            },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(half, 402), Is.Not.Empty, "enough for the picture, not for enlarging it: nothing is begun");
        using HttpResponseMessage nowhere = await Client.PostAsJsonAsync(
            "/faces/dezgo/text3image",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(nowhere, 404), Is.Not.Empty);
    }

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

    private protected override HttpClient ClientOf(FaceUser user)
    {
        HttpClient client = Api.Client();
        client.DefaultRequestHeaders.Add("X-Dezgo-Key", user.Key);
        return client;
    }

    private Task<HttpResponseMessage> PostAsync(string function, string body) =>
        Client.PostAsync($"/faces/dezgo/{function}", new StringContent(body, Encoding.UTF8, "application/json"), FaceStack.Limit());

    private static async Task<byte[]> PictureAsync(HttpResponseMessage answer)
    {
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.That(
            answer.StatusCode,
            Is.EqualTo(HttpStatusCode.OK),
            Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 1000)))
        );
        return bytes;
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private static async Task<string> MessageAsync(HttpResponseMessage answer, int status)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo((HttpStatusCode)status), text);
        return JsonDocument.Parse(text).RootElement.GetProperty("message").GetString()!;
    }
}
