using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Contracts;
using Generation.Imaging.Codecs;

namespace Generation.Faces.Tests.Stablecog;

/// <summary>What this service lists, uploads and enlarges.</summary>
[TestFixture]
public sealed class StablecogListTests : FaceTests
{
    private const string Create = "/v1/image/generation/create";
    private const string Outputs = "/v1/image/generation/outputs";
    private const string SwinIr = "14c9c5a4-33a8-4aed-a648-ee8510ae65b2";

    private HttpClient _anybody = null!;

    [OneTimeSetUp]
    public async Task MakePicturesAsync()
    {
        _anybody = Api.Client();
        foreach (
            object body in (object[])
                [
                    new
                    {
                        prompt = "a cat",
                        width = 256,
                        height = 256,
                        inference_steps = 10,
                        num_outputs = 2,
                        guidance_scale = 4,
                    },
                    new
                    {
                        prompt = "a dog on the grass",
                        width = 320,
                        height = 256,
                        inference_steps = 12,
                        num_outputs = 1,
                        submit_to_gallery = true,
                    },
                ]
        )
        {
            FaceAnswer made = await Client.SendAsync(Create, body);
            Assert.That(made.Status, Is.EqualTo(HttpStatusCode.OK), made.Json.ToString());
        }

        // One of the native API: its owner sees it here, too
        FaceAnswer native = await Client.SendAsync("/v1/text2img", new { prompt = "a boat", num_inference_steps = 2 });
        CancellationToken limit = FaceStack.Limit();
        while (!(await Api.JobsAsync(User)).Single(j => j.Id.ToString() == native.Text("id")).State.IsFinal())
        {
            await Task.Delay(50, limit);
        }
    }

    [OneTimeTearDown]
    public void LetAnybodyGo() => _anybody.Dispose();

    [Test]
    public async Task Outputs_AllPages_GiveEachOnceTheNewestFirst()
    {
        FaceAnswer first = await Client.FetchAsync(Outputs + "?per_page=3");
        Assert.That((first["outputs"].GetArrayLength(), first["total_count"].GetInt32()), Is.EqualTo((3, 4)));
        FaceAnswer second = await Client.FetchAsync($"/v1/image/outputs?per_page=3&cursor={Uri.EscapeDataString(first.Text("next"))}");
        Assert.That((second["outputs"].GetArrayLength(), second.Json.TryGetProperty("next", out _)), Is.EqualTo((1, false)));
        string[] ids =
        [
            .. first["outputs"].EnumerateArray().Concat(second["outputs"].EnumerateArray()).Select(o => o.GetProperty("id").GetString()!),
        ];
        Assert.That(ids.Distinct().Count(), Is.EqualTo(4));

        JsonElement boat = first["outputs"][0];
        JsonElement generation = boat.GetProperty("generation");
        Assert.That(generation.GetProperty("prompt").GetProperty("text").GetString(), Is.EqualTo("a boat"));
        foreach (string name in (string[])["id", "image_url", "gallery_status", "is_favorited", "was_auto_submitted", "created_at"])
        {
            Assert.That(boat.TryGetProperty(name, out _), name);
        }

        foreach (
            string name in (string[])
                [
                    "id",
                    "width",
                    "height",
                    "inference_steps",
                    "guidance_scale",
                    "seed",
                    "status",
                    "model_id",
                    "scheduler_id",
                    "created_at",
                    "started_at",
                    "completed_at",
                    "outputs",
                ]
        )
        {
            Assert.That(generation.TryGetProperty(name, out _), name);
        }

        Assert.That(
            (await _anybody.GetAsync(boat.GetProperty("image_url").GetString(), FaceStack.Limit())).StatusCode,
            Is.EqualTo(HttpStatusCode.OK)
        );
    }

    [TestCase("min_width=300", 1)]
    [TestCase("max_width=300", 3)]
    [TestCase("widths=320,999", 1)]
    [TestCase("heights=256", 4)]
    [TestCase("inference_steps=10,12", 3)]
    [TestCase("min_inference_steps=11&max_inference_steps=13", 1)]
    [TestCase("guidance_scales=4&inference_steps=10", 2)]
    [TestCase("min_guidance_scale=6", 1)]
    [TestCase("gallery_status=approved", 1)]
    [TestCase("gallery_status=not_submitted,rejected", 3)]
    [TestCase("is_favorited=true", 0)]
    [TestCase("was_auto_submitted=true", 0)]
    [TestCase("search=dog%20grass", 1)]
    [TestCase("model_ids=048b4aa3-5586-47ed-900f-f4341c96bdb2", 4)]
    [TestCase("model_ids=0a99668b-45bd-4f7e-aa9c-f9aaa41ef13b", 0)]
    [TestCase("scheduler_ids=af2679a4-dbbb-4950-8c06-c3bb15416ef6", 3)]
    [TestCase("end_dt=2020-01-01T00:00:00Z", 0)]
    [TestCase("start_dt=2020-01-01T00:00:00Z&order=asc&order_by=updated_at", 4)]
    public async Task Outputs_Filter_Holds(string query, int count)
    {
        FaceAnswer answer = await Client.FetchAsync($"{Outputs}?{query}");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Json.ToString());
        Assert.That((answer["outputs"].GetArrayLength(), answer["total_count"].GetInt32()), Is.EqualTo((count, count)));
    }

    [TestCase("per_page=x", "per_page must be an integer")]
    [TestCase("per_page=301", "per_page must be between 1 and 300")]
    [TestCase("cursor=yesterday", "cursor must be a valid iso time string")]
    [TestCase("search=cat&cursor=x", "cursor must be a valid uint")]
    [TestCase("model_ids=x", "invalid model id: x")]
    [TestCase("scheduler_ids=x", "invalid scheduler id: x")]
    [TestCase("order=sideways", "invalid order: 'sideways' expected 'desc' or 'asc'")]
    [TestCase("min_width=wide", "invalid min width: wide")]
    public async Task Outputs_BadQuery_IsTold(string query, string error)
    {
        FaceAnswer answer = await Client.FetchAsync($"{Outputs}?{query}");
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, error)));
    }

    [Test]
    public async Task Gallery_WithoutAKey_ShowsOnlyWhatWasSubmitted()
    {
        FaceAnswer page = await _anybody.FetchAsync("/v1/gallery?search=grass");
        JsonElement dog = page["outputs"].EnumerateArray().First();
        Assert.That(dog.GetProperty("generation").GetProperty("prompt").GetProperty("text").GetString(), Is.EqualTo("a dog on the grass"));
        Assert.That(page.Json.ToString(), Does.Not.Contain(User.Account.ToString()));
        FaceAnswer one = await _anybody.FetchAsync("/v1/gallery?output_id=" + dog.GetProperty("id").GetString());
        Assert.That(one["outputs"].GetArrayLength(), Is.EqualTo(1));

        string own = (await Client.FetchAsync(Outputs + "?gallery_status=not_submitted"))["outputs"][0].GetProperty("id").GetString()!;
        FaceAnswer hidden = await _anybody.FetchAsync("/v1/gallery?output_id=" + own);
        Assert.That((hidden.Status, hidden.Text("error")), Is.EqualTo((HttpStatusCode.NotFound, "generation_not_found")));
        FaceAnswer wrong = await _anybody.FetchAsync("/v1/gallery?output_id=x");
        Assert.That((wrong.Status, wrong.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "invalid_output_id")));
    }

    [Test]
    public async Task Models_AndDefaults_HaveThePublicIds()
    {
        FaceAnswer models = await _anybody.FetchAsync("/v1/image/generation/models");
        JsonElement first = models["models"][0];
        Assert.That(
            (first.GetProperty("id").GetString(), first.GetProperty("is_default").GetBoolean()),
            Is.EqualTo(("048b4aa3-5586-47ed-900f-f4341c96bdb2", true))
        );
        Assert.That(
            first.GetProperty("available_schedulers").EnumerateArray().Select(s => s.GetProperty("name").GetString()),
            Is.EqualTo(["K_EULER", "K_EULER_ANCESTRAL", "DPM++_2M", "K_LMS", "DDIM", "P_SAMPLER", "DDPM", "UNI_PC"])
        );
        Assert.That(
            (first.GetProperty("default_width").GetInt32(), first.GetProperty("default_height").GetInt32()),
            Is.EqualTo((256, 256))
        );
        Assert.That(
            (await _anybody.FetchAsync("/v1/image/models/generate"))["models"].GetArrayLength(),
            Is.EqualTo(models["models"].GetArrayLength())
        );

        FaceAnswer defaults = await _anybody.FetchAsync("/v1/image/generation/defaults");
        Assert.That(defaults.Text("model_id"), Is.EqualTo("048b4aa3-5586-47ed-900f-f4341c96bdb2"));
        Assert.That(defaults.Text("scheduler_id"), Is.EqualTo("af2679a4-dbbb-4950-8c06-c3bb15416ef6"));
        Assert.That(
            (defaults["num_outputs"].GetInt32(), defaults["inference_steps"].GetInt32(), defaults["guidance_scale"].GetDouble()),
            Is.EqualTo((2, 30, 7))
        );
        Assert.That((await _anybody.FetchAsync("/v1/image/upscale/defaults")).Text("model_id"), Is.EqualTo(SwinIr));
        Assert.That(
            (await _anybody.FetchAsync("/v1/image/upscale/models"))["models"][0].GetProperty("name").GetString(),
            Is.EqualTo("SwinIR")
        );
    }

    [Test]
    public async Task Credits_AreTheAccounts()
    {
        FaceAnswer credits = await Client.FetchAsync("/v1/credits");
        Assert.That(credits["total_remaining_credits"].GetInt64(), Is.InRange(1, 1000));
        JsonElement line = credits["credits"][0];
        Assert.That(line.GetProperty("remaining_amount").GetInt64(), Is.EqualTo(credits["total_remaining_credits"].GetInt64()));
        Assert.That(line.GetProperty("type").GetProperty("name").GetString(), Is.Not.Empty);
        Assert.That(line.GetProperty("expires_at").GetDateTimeOffset(), Is.GreaterThan(DateTimeOffset.UtcNow));
    }

    [Test, CancelAfter(240_000)]
    public async Task Upscale_OwnOutput_IsMadeOnceAndShownWithIt()
    {
        JsonElement cat = (await Client.FetchAsync(Outputs + "?search=cat"))["outputs"][0];
        string id = cat.GetProperty("id").GetString()!;
        FaceAnswer first = await Client.SendAsync("/v1/image/upscale/create", new { input = id });
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.OK), first.Json.ToString());
        Assert.That(
            (first["settings"].GetProperty("model_id").GetString(), first["settings"].GetProperty("input").GetString()),
            Is.EqualTo((SwinIr, id))
        );
        string url = first["outputs"][0].GetProperty("url").GetString()!;
        Assert.That((await _anybody.GetAsync(url, FaceStack.Limit())).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        int jobs = (await Api.JobsAsync(User)).Count;

        FaceAnswer second = await Client.SendAsync("/v1/image/upscale", new { input = id });
        Assert.That(second["outputs"][0].TryGetProperty("upscaled_image_url", out JsonElement already), Is.True);
        Assert.That((await _anybody.GetAsync(already.GetString(), FaceStack.Limit())).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await Api.JobsAsync(User)).Count, Is.EqualTo(jobs), "nothing was made a second time");
        Assert.That((await Client.FetchAsync(Outputs + "?upscaled=only"))["outputs"].GetArrayLength(), Is.EqualTo(1));

        using HttpClient other = Api.Client(await Api.NewUserAsync());
        FaceAnswer foreign = await other.SendAsync("/v1/image/upscale/create", new { input = id });
        Assert.That((foreign.Status, foreign.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "output_not_found")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Upscale_FileOfAForm_AndAnUpload_AreEnlarged()
    {
        byte[] picture = PictureCodec.Encode(PictureCodec.Decode(TestPictures.Gradient(64, 64)), PictureFormat.Jpeg);
        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent(picture);
        file.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        form.Add(file, "file", "cat.jpg");
        using var data = new StringContent($$"""{"model_id": "{{SwinIr}}"}""");
        form.Add(data, "data");
        FaceAnswer sent = await Client.SendAsync("/v1/image/upscale/create", form);
        Assert.That(sent.Status, Is.EqualTo(HttpStatusCode.OK), sent.Json.ToString());
        JobDocument job = (await Api.JobsAsync(User))[0];
        Assert.That((job.Kind, job.Outputs[0].Width), Is.EqualTo((JobKind.SuperResolution, 256)));

        FaceAnswer upload = await UploadAsync(picture);
        Assert.That(upload.Text("object"), Does.Match("^s3://[0-9a-f]{64}/[0-9a-f-]{36}\\.jpg$"));
        FaceAnswer uploaded = await Client.SendAsync("/v1/image/upscale/create", new { input = upload.Text("object") });
        Assert.That(uploaded.Status, Is.EqualTo(HttpStatusCode.OK), uploaded.Json.ToString());

        using HttpClient other = Api.Client(await Api.NewUserAsync());
        FaceAnswer foreign = await other.SendAsync("/v1/image/upscale/create", new { input = upload.Text("object") });
        Assert.That((foreign.Status, foreign.Text("error")), Is.EqualTo((HttpStatusCode.Unauthorized, "image_not_owned")));
        FaceAnswer gone = await Client.SendAsync(
            "/v1/image/upscale/create",
            new { input = upload.Text("object")[..70] + Guid.NewGuid() + ".png" }
        );
        Assert.That((gone.Status, gone.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "init_image_not_found")));
    }

    [Test]
    public async Task Upload_NoPicture_IsRefused()
    {
        FaceAnswer answer = await UploadAsync("not a picture"u8.ToArray());
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "invalid_content_type")));
        using var form = new MultipartFormDataContent { { new StringContent("x"), "other" } };
        FaceAnswer none = await Client.SendAsync("/v1/image/upload", form);
        Assert.That((none.Status, none.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "invalid_file")));
    }

    [Test]
    public async Task Upscale_NothingUsable_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync("/v1/image/upscale/create", new { input = "cat.png" });
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "invalid_image_url")));
        FaceAnswer model = await Client.SendAsync("/v1/image/upscale/create", new { input = "cat.png", model_id = Guid.NewGuid() });
        Assert.That(model.Text("error"), Is.EqualTo("invalid_model_id"));
        FaceAnswer unreachable = await Client.SendAsync("/v1/image/upscale/create", new { input = "http://127.0.0.1:1/x.png" });
        Assert.That(
            (unreachable.Status, unreachable.Text("error")),
            Is.EqualTo((HttpStatusCode.BadRequest, "image_url_width_height_error"))
        );
    }

    [TestCase("/v1/audio/voiceover/models")]
    [TestCase("/v1/image/nothing")]
    public async Task Any_WhatIsNotHere_IsNotFoundAsTheirs(string path)
    {
        using HttpResponseMessage answer = await Client.GetAsync(path, FaceStack.Limit());
        Assert.That(
            (answer.StatusCode, await answer.Content.ReadAsStringAsync()),
            Is.EqualTo((HttpStatusCode.NotFound, "404 page not found\n"))
        );
    }

    private async Task<FaceAnswer> UploadAsync(byte[] bytes)
    {
        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent(bytes);
        file.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        form.Add(file, "file", "picture.png");
        return await Client.SendAsync("/v1/image/upload", form);
    }
}
