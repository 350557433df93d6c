using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Replicate;

/// <summary>Predictions as clients make and read them, field by field.</summary>
public sealed class ReplicatePredictionTests : ReplicateTests
{
    private const string Sdxl = "39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b";

    [Test]
    public async Task Create_OfAModelWithWait_AnswersWithTheWholePrediction()
    {
        JsonElement made = await RunAsync(
            Of("black-forest-labs/flux-schnell"),
            new
            {
                input = new
                {
                    prompt = "a tin robot",
                    aspect_ratio = "3:2",
                    megapixels = "0.25",
                    num_outputs = 2,
                    num_inference_steps = 2,
                    output_format = "png",
                    go_fast = true,
                    seed = 7,
                },
            }
        );

        Assert.That(
            made.EnumerateObject().Select(p => p.Name),
            Is.EqualTo(
                new[]
                {
                    "id",
                    "model",
                    "version",
                    "input",
                    "output",
                    "error",
                    "logs",
                    "status",
                    "source",
                    "data_removed",
                    "created_at",
                    "started_at",
                    "completed_at",
                    "metrics",
                    "urls",
                }
            )
        );
        Assert.That(
            (Text(made, "model"), Text(made, "version"), Text(made, "status"), Text(made, "source")),
            Is.EqualTo(("black-forest-labs/flux-schnell", "hidden", "succeeded", "api"))
        );
        Assert.That(Text(made, "id"), Does.Match("^[0-9a-f]{32}$"));
        Assert.That(made.GetProperty("error").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(made.GetProperty("data_removed").GetBoolean(), Is.False);
        Assert.That(Text(made, "created_at"), Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"));
        Assert.That(made.GetProperty("metrics").GetProperty("predict_time").GetDouble(), Is.Not.Negative);
        Assert.That(Text(made, "logs"), Does.StartWith("Using seed: 7\n"));
        JsonElement input = made.GetProperty("input");
        Assert.That(
            (Text(input, "prompt"), Text(input, "aspect_ratio"), input.GetProperty("num_outputs").GetInt32()),
            Is.EqualTo(("a tin robot", "3:2", 2))
        );
        JsonElement urls = made.GetProperty("urls");
        Assert.That(Text(urls, "get"), Is.EqualTo(new Uri(Api.Address, $"{Predictions}/{Text(made, "id")}").ToString()));
        Assert.That(Text(urls, "cancel"), Is.EqualTo(Text(urls, "get") + "/cancel"));
        Assert.That(Text(urls, "web"), Does.StartWith(Api.Address.ToString()));

        // Half the sides of 1216 x 832
        JsonElement outputs = made.GetProperty("output");
        Assert.That(outputs.GetArrayLength(), Is.EqualTo(2));
        Assert.That(PictureHeader.Read(Bytes(outputs[1])), Is.EqualTo(new PictureHeader("image/png", 608, 416)));
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.Prompt, request.Width, request.Height, request.NumImages, request.NumInferenceSteps, request.Seed),
            Is.EqualTo(("a tin robot", 608, 416, 2, 2, 7L))
        );
        Assert.That((request.OutputFormat, request.OutputQuality), Is.EqualTo(("png", 80)));
    }

    [TestCase(Sdxl, "39ed52f2")]
    [TestCase("stability-ai/sdxl:39ed52f2garbled", "")]
    [TestCase("stability-ai/sdxl", "hidden")]
    [TestCase("39ed52f2", "39ed52f2")]
    public async Task Create_OfAVersion_FindsTheModel(string version, string told)
    {
        JsonElement made = await RunAsync(Predictions, new { version, input = Small() });

        Assert.That((Text(made, "model"), Text(made, "status")), Is.EqualTo(("stability-ai/sdxl", "succeeded")));
        Assert.That(Text(made, "version"), Does.StartWith(told).And.Not.Empty);
        Assert.That(made.GetProperty("output").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task Create_NumbersAsStringsNullsAndEmptyTexts_AreRead()
    {
        JsonElement made = await CreateAsync(
            Client,
            Predictions,
            $$"""
            {"version":"{{Sdxl}}","webhook":null,"webhook_events_filter":null,"stream":"false","input":{"prompt":"a cat","width":"64",
             "height":"96","num_inference_steps":"2","guidance_scale":"6.5","scheduler":"K_EULER","seed":"","image":null,"mask":"",
             "negative_prompt":"rust","apply_watermark":"false","num_outputs":null,"disable_safety_checker":"true"}
            }
            """
        );

        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.Width, request.Height, request.NumInferenceSteps, request.GuidanceScale, request.Scheduler, request.NegativePrompt),
            Is.EqualTo((64, 96, 2, 6.5, "euler", "rust"))
        );
        Assert.That(Text(made.GetProperty("input"), "negative_prompt"), Is.EqualTo("rust"));
        Assert.That(Text(await EndAsync(made), "status"), Is.EqualTo("succeeded"));
    }

    [Test]
    public async Task Create_OfOtherKinds_AreTheirJobs()
    {
        string picture = DataUri(TestPictures.Gradient(64, 64));
        JsonElement drawn = await CreateAsync(
            Predictions,
            new
            {
                version = Sdxl,
                input = new
                {
                    prompt = "a pear",
                    image = DataUri(TestPictures.Gradient()),
                    prompt_strength = 0.5,
                    num_inference_steps = 4,
                },
            }
        );
        Assert.That((await NewestAsync<Img2ImgRequest>()).Strength, Is.EqualTo(0.5));
        Assert.That(Text(drawn.GetProperty("input"), "image"), Does.EndWith("...").And.Length.LessThan(400), "long texts are cut");

        await CreateAsync(
            Of("stability-ai/stable-diffusion-inpainting"),
            new
            {
                input = new
                {
                    prompt = "a star",
                    image = picture,
                    mask = DataUri(TestPictures.WhiteMiddle(64, 64)),
                    num_inference_steps = 2,
                },
            }
        );
        Assert.That((await NewestAsync<InpaintRequest>()).MaskMode, Is.EqualTo(MaskMode.PaintWhite));

        await CreateAsync(
            Of("black-forest-labs/flux-fill-dev"),
            new
            {
                input = new
                {
                    prompt = "a star",
                    image = DataUri(TestPictures.Hole(64, 64)),
                    num_inference_steps = 2,
                    guidance = 5,
                },
            }
        );
        Assert.That((await NewestAsync<InpaintRequest>()).MaskMode, Is.EqualTo(MaskMode.PaintTransparent));

        JsonElement clip = await CreateAsync(
            Of("wan-video/wan-2.2-t2v-fast"),
            new
            {
                input = new
                {
                    prompt = "a rocket",
                    num_frames = 2,
                    aspect_ratio = "9:16",
                    frames_per_second = 8,
                },
            },
            headers: ("Cancel-After", "1h")
        );
        VideoRequest video = await NewestAsync<VideoRequest>();
        Assert.That((video.Width, video.Height, video.NumFrames, video.Fps), Is.EqualTo((480, 832, 2, 8.0)));
        JsonElement cancelled = await CreateAsync($"{Predictions}/{Text(clip, "id")}/cancel", new { }, 200);
        Assert.That(Text(cancelled, "id"), Is.EqualTo(Text(clip, "id")));
        Assert.That(Text(cancelled, "deadline"), Is.Not.Null);
        Assert.That(Text(await EndAsync(cancelled), "status"), Is.EqualTo("canceled"));
    }

    [Test]
    public async Task Create_OfAnUpscaler_GivesOnePicture()
    {
        FaceStack stack = await FaceStack.WithAllKindsAsync();
        FaceUser user = await stack.Api.NewUserAsync();
        using HttpClient client = stack.Api.Client(user);

        JsonElement made = await CreateAsync(
            client,
            Of("nightmareai/real-esrgan"),
            JsonSerializer.Serialize(
                new
                {
                    input = new
                    {
                        image = DataUri(TestPictures.Gradient(32, 32)),
                        scale = 4,
                        face_enhance = true,
                    },
                }
            ),
            headers: ("Prefer", "wait")
        );

        Assert.That(Text(made, "status"), Is.EqualTo("succeeded"));
        Assert.That(PictureHeader.Read(Bytes(made.GetProperty("output"))), Is.EqualTo(new PictureHeader("image/png", 128, 128)));
        Assert.That(Text(made, "logs"), Does.Contain("face_enhance: true is not done here"));
    }

    [TestCase("chaste", "failed")]
    [TestCase("lenient", "succeeded")]
    public async Task Outputs_ThatAreFlagged_AreLeftOut(string model, string status)
    {
        FaceStack stack = await FaceStack.WithAllKindsAsync();
        using HttpClient client = stack.Api.Client(await stack.Api.NewUserAsync());

        JsonElement made = await CreateAsync(
            client,
            Of("generation/" + model),
            JsonSerializer.Serialize(new { input = Small() }),
            headers: ("Prefer", "wait")
        );
        JsonElement unchecked_ = await CreateAsync(
            client,
            Of("generation/" + model),
            """{"input":{"prompt":"a red apple","width":64,"height":64,"num_inference_steps":3,"disable_safety_checker":true}}""",
            headers: ("Prefer", "wait")
        );

        Assert.That(Text(made, "status"), Is.EqualTo(status));
        Assert.That(made.GetProperty("output").ValueKind, Is.EqualTo(status == "failed" ? JsonValueKind.Null : JsonValueKind.Array));
        Assert.That(status == "failed" ? Text(made, "error") : "NSFW", Does.StartWith("NSFW"));
        Assert.That(unchecked_.GetProperty("output").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task Wait_ThatIsOverBefore_IsStartingAndGoesOn()
    {
        using JobHold hold = FaceStack.Holds.AtStep(2);
        JsonElement made = await CreateAsync(Of("stability-ai/sdxl"), new { input = Small(steps: 4) }, headers: ("Prefer", "wait=1"));
        await hold.ReachedAsync();

        Assert.That(Text(made, "status"), Is.EqualTo("starting"), "any other state is the end for the libraries");
        JsonElement running = await GetAsync($"{Predictions}/{Text(made, "id")}");
        Assert.That((Text(running, "status"), running.GetProperty("output").ValueKind), Is.EqualTo(("processing", JsonValueKind.Null)));
        Assert.That(Text(running, "logs"), Does.Match(@"\n\s*\d+%\|[# ]{10}\| [0-2]/4\n$"));
        hold.Release();
        Assert.That(Text(await EndAsync(made), "status"), Is.EqualTo("succeeded"));
    }

    [Test]
    public async Task List_OfManyPages_HasAbsoluteAddresses()
    {
        JsonElement first = await GetAsync(Predictions);
        Assert.That(first.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "previous", "next", "results" }));
        JsonElement web = await GetAsync(Predictions + "?source=web");
        Assert.That(web.GetProperty("results").GetArrayLength(), Is.Zero);

        // A job that was made otherwise is there, too
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        FaceAnswer native = await client.SendAsync("/v1/text2img", Small("a native cat"));
        JsonElement list = await JsonAsync(await client.GetAsync(Predictions, FaceStack.Limit()), 200);
        JsonElement only = list.GetProperty("results")[0];
        Assert.That(
            (Text(only, "id"), Text(only, "model"), Text(only.GetProperty("input"), "prompt")),
            Is.EqualTo((native.Text("id").Replace("-", ""), "generation/demo", "a native cat"))
        );
    }

    [Test]
    public async Task Models_AreDescribedAsClientsReadThem()
    {
        JsonElement model = await GetAsync(Base + "/models/stability-ai/sdxl");
        Assert.That(
            (Text(model, "owner"), Text(model, "name"), Text(model, "visibility"), model.GetProperty("run_count").GetInt32()),
            Is.EqualTo(("stability-ai", "sdxl", "public", 0))
        );
        JsonElement latest = model.GetProperty("latest_version");
        Assert.That(Text(latest, "id"), Does.Match("^39ed52f2[0-9a-f]{56}$"));
        JsonElement schemas = latest.GetProperty("openapi_schema").GetProperty("components").GetProperty("schemas");
        Assert.That(Text(schemas.GetProperty("Output"), "type"), Is.EqualTo("array"));
        Assert.That(
            schemas.GetProperty("Input").GetProperty("properties").GetProperty("num_outputs").GetRawText(),
            Is.EqualTo("""{"title":"Num Outputs","type":"integer","minimum":1,"maximum":4,"default":1}""")
        );

        JsonElement version = await GetAsync($"{Base}/models/stability-ai/sdxl/versions/{Sdxl}");
        Assert.That((Text(version, "id"), Text(version, "cog_version")), Is.EqualTo((Sdxl, "0.9.0")));
        string[] names =
        [
            .. (await GetAsync(Base + "/models"))
                .GetProperty("results")
                .EnumerateArray()
                .Select(m => $"{Text(m, "owner")}/{Text(m, "name")}"),
        ];
        Assert.That(
            names,
            Does.Contain("black-forest-labs/flux-dev").And.Contain("nightmareai/real-esrgan").And.Contain("generation/demo")
        );

        using var query = new HttpRequestMessage(new HttpMethod("QUERY"), Base + "/models")
        {
            Content = new StringContent("\"flux fill\""),
        };
        JsonElement found = await JsonAsync(await Client.SendAsync(query, FaceStack.Limit()), 200);
        Assert.That(
            found.GetProperty("results").EnumerateArray().Select(m => Text(m, "name")),
            Is.EquivalentTo(new[] { "flux-fill-dev", "flux-fill-pro" })
        );
    }
}
