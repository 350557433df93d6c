using System.Net;
using System.Text.Json;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Stablecog;

/// <summary>Pictures as Stablecog's clients ask for them.</summary>
[TestFixture]
public sealed class StablecogGenerationTests : FaceTests
{
    private const string Create = "/v1/image/generation/create";
    private const string Ddim = "82cf78dd-6afb-48cc-aca6-14224cca6950";
    private const string Sd15 = "048b4aa3-5586-47ed-900f-f4341c96bdb2";
    private const string Euler = "af2679a4-dbbb-4950-8c06-c3bb15416ef6";

    [Test, CancelAfter(240_000)]
    public async Task Create_AsPublished_BlocksUntilDoneAndAnswersFieldByField()
    {
        // The extension that uses this service sends no content type
        FaceAnswer answer = await Client.SendAsync(
            Create,
            JsonSerializer.Serialize(
                new
                {
                    prompt = "a red apple on a blue background",
                    negative_prompt = "blur",
                    model_id = Sd15,
                    scheduler_id = Ddim,
                    width = 256,
                    height = 256,
                    inference_steps = 10,
                    guidance_scale = 4,
                    num_outputs = 2,
                    seed = 7,
                }
            ),
            contentType: null
        );

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Json.ToString());
        Assert.That(answer["outputs"].GetArrayLength(), Is.EqualTo(2));
        Assert.That(answer["remaining_credits"].TryGetInt64(out long remaining) && remaining is > 0 and < 1000, Is.True);
        JsonElement settings = answer["settings"];
        Assert.That(settings.GetProperty("model_id").GetString(), Is.EqualTo(Sd15));
        Assert.That(settings.GetProperty("scheduler_id").GetString(), Is.EqualTo(Ddim));
        Assert.That((settings.GetProperty("width").GetInt32(), settings.GetProperty("height").GetInt32()), Is.EqualTo((256, 256)));
        Assert.That(
            (settings.GetProperty("num_outputs").GetInt32(), settings.GetProperty("inference_steps").GetInt32()),
            Is.EqualTo((2, 10))
        );
        Assert.That((settings.GetProperty("guidance_scale").GetDouble(), settings.GetProperty("seed").GetInt64()), Is.EqualTo((4, 7)));
        Assert.That(settings.TryGetProperty("init_image_url", out _), Is.False);

        // JPEG, without a key
        using HttpClient anybody = Api.Client();
        byte[] picture = await anybody.GetByteArrayAsync(answer["outputs"][1].GetProperty("url").GetString(), FaceStack.Limit());
        Assert.That(picture.Take(3), Is.EqualTo(new byte[] { 0xFF, 0xD8, 0xFF }));
        Assert.That(answer["outputs"].EnumerateArray().Select(o => o.GetProperty("id").GetGuid()).Distinct().Count(), Is.EqualTo(2));
        var request = (Text2ImgRequest)(await Api.JobsAsync(User)).First(j => j.Request is Text2ImgRequest { Seed: 7 }).Request!;
        Assert.That((request.Scheduler, request.NumInferenceSteps, request.NegativePrompt), Is.EqualTo(("ddim", 10, "blur")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Create_PromptOnly_HasTheServicesDefaults()
    {
        FaceAnswer answer = await Client.SendAsync(
            "/v1/image/generate",
            new
            {
                prompt = "a cat",
                num_outputs = -1,
                seed = -1,
            }
        );
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Json.ToString());
        JsonElement settings = answer["settings"];
        Assert.That(
            (settings.GetProperty("num_outputs").GetInt32(), settings.GetProperty("inference_steps").GetInt32()),
            Is.EqualTo((2, 30))
        );
        Assert.That(
            (settings.GetProperty("guidance_scale").GetDouble(), settings.GetProperty("scheduler_id").GetString()),
            Is.EqualTo((7, Euler))
        );
        Assert.That(settings.GetProperty("seed").GetInt64(), Is.InRange(0, int.MaxValue));
    }

    [Test, CancelAfter(240_000)]
    public async Task Create_SchedulerThatIsUnknown_IsReplacedSilently()
    {
        FaceAnswer answer = await Client.SendAsync(
            Create,
            new
            {
                prompt = "a cat",
                scheduler_id = Guid.NewGuid(),
                num_outputs = 1,
                inference_steps = 10,
            }
        );
        Assert.That(answer["settings"].GetProperty("scheduler_id").GetString(), Is.EqualTo(Euler));
    }

    [TestCase("""{"height": 2000, "width": 100}""", "Height is too large, max is: 1536")]
    [TestCase("""{"height": 100, "width": 2000}""", "Height is too small, min is: 256")]
    [TestCase("""{"width": 2000, "guidance_scale": 99}""", "Width is too large, max is: 1536")]
    [TestCase("""{"width": 100}""", "Width is too small, min is: 256")]
    [TestCase("""{"guidance_scale": 0.5, "inference_steps": 1}""", "Guidance scale is too small, min is: 1.000000")]
    [TestCase("""{"guidance_scale": 31}""", "Guidance scale is too large, max is: 30.000000")]
    [TestCase("""{"inference_steps": 9, "num_outputs": 9}""", "Inference steps is too small, min is: 10")]
    [TestCase(
        """{"width": 1024, "height": 1024, "inference_steps": 31}""",
        "Pick fewer inference steps or smaller dimensions: 1024 - 1024 - 31"
    )]
    [TestCase("""{"num_outputs": 5, "model_id": "00000000-0000-0000-0000-000000000001"}""", "Number of outputs can't be more than 4")]
    [TestCase("""{"model_id": "00000000-0000-0000-0000-000000000001", "init_image_url": "ftp://x"}""", "invalid_model_id")]
    [TestCase("""{"init_image_url": "ftp://x"}""", "invalid_init_image_url")]
    [TestCase("""{"mask_image_url": "x"}""", "invalid_mask_image_url")]
    [TestCase("""{"model_id": "not-a-uuid"}""", "json_parse_error")]
    [TestCase("""{"width": [1]}""", "json_parse_error")]
    [TestCase("""{"init_image_url": "s3://somebody/0b0e6f5c-6b1f-4f0a-9d6b-111111111111.png"}""", "init_image_not_owned")]
    public async Task Create_SomethingWrong_IsToldInTheServicesWordsAndOrder(string fields, string error)
    {
        FaceAnswer answer = await Client.SendAsync(Create, With(fields));
        Assert.That(
            (answer.Text("error"), answer.Status),
            Is.EqualTo((error, error == "init_image_not_owned" ? HttpStatusCode.Unauthorized : HttpStatusCode.BadRequest))
        );
    }

    [Test]
    public async Task Create_NotJson_IsAParseError()
    {
        FaceAnswer answer = await Client.SendAsync(Create, "{nonsense");
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "json_parse_error")));
    }

    [Test]
    public async Task Create_NoKeyOrAWrongOne_IsUnauthorized()
    {
        using HttpClient anybody = Api.Client();
        FaceAnswer none = await anybody.SendAsync(Create, new { prompt = "a cat" });
        anybody.DefaultRequestHeaders.Add("Authorization", "Bearer sc-" + new string('a', 64));
        FaceAnswer wrong = await anybody.SendAsync(Create, new { prompt = "a cat" });
        Assert.That((none.Status, none.Text("error")), Is.EqualTo((HttpStatusCode.Unauthorized, "Unauthorized")));
        Assert.That((wrong.Status, wrong.Text("error")), Is.EqualTo((HttpStatusCode.Unauthorized, "Unauthorized")));
    }

    [Test]
    public async Task Create_NoCredits_IsToldWithTheSettings()
    {
        using HttpClient poor = Api.Client(await Api.NewUserAsync(credits: 0));
        FaceAnswer answer = await poor.SendAsync(Create, new { prompt = "a cat", width = 256 });
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.BadRequest, "insufficient_credits")));
        Assert.That(answer["settings"].GetProperty("width").GetInt32(), Is.EqualTo(256));
    }

    [Test, CancelAfter(240_000)]
    public async Task Create_LimitsOfTheOlderVersion_HoldWhereConfigured()
    {
        await using FaceApi api = (await FaceStack.GetAsync()).StartApi(0, ("Faces:Stablecog:Version", "2023"));
        using HttpClient client = api.Client(User);
        FaceAnswer large = await client.SendAsync(Create, new { prompt = "a cat", width = 1536 });
        FaceAnswer odd = await client.SendAsync(Create, new { prompt = "a cat", width = 300 });
        FaceAnswer guided = await client.SendAsync(Create, new { prompt = "a cat", guidance_scale = 25 });
        Assert.That(large.Text("error"), Is.EqualTo("Width is too large, max is: 1024"));
        Assert.That(odd.Text("error"), Is.EqualTo("Width must be a multiple of 8"));
        Assert.That(guided.Text("error"), Is.EqualTo("Guidance scale is too large, max is: 20.000000"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Create_WorkerTooSlow_IsATimeoutAndCostsNothing()
    {
        await using FaceApi api = (await FaceStack.GetAsync()).StartApi(0, ("Faces:Stablecog:WaitSeconds", "0.2"));
        FaceUser user = await api.NewUserAsync();
        using HttpClient client = api.Client(user);
        using JobHold hold = FaceStack.Holds.AtStep(1);
        FaceAnswer answer = await client.SendAsync(
            Create,
            new
            {
                prompt = "a cat",
                width = 320,
                height = 320,
                inference_steps = 10,
            }
        );
        Assert.That((answer.Status, answer.Text("error")), Is.EqualTo((HttpStatusCode.InternalServerError, "TIMEOUT")));
        Assert.That(answer["settings"].GetProperty("width").GetInt32(), Is.EqualTo(320));
        CancellationToken limit = FaceStack.Limit();
        JobDocument job;
        while (!(job = (await api.JobsAsync(user)).Single()).State.IsFinal())
        {
            await Task.Delay(50, limit);
        }

        Assert.That(job.State, Is.EqualTo(JobState.Cancelled));
    }

    [Test, CancelAfter(240_000)]
    public async Task Create_ClientHangsUp_CancelsTheJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        using var hangUp = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(1);
        using var content = new StringContent(With("""{"width": 256, "height": 256}"""));
        Task<HttpResponseMessage> call = client.PostAsync(Create, content, hangUp.Token);
        await hold.ReachedAsync();
        CancellationToken limit = FaceStack.Limit();
        await hangUp.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        JobDocument job;
        while (!(job = (await Api.JobsAsync(user)).Single()).State.IsFinal())
        {
            await Task.Delay(50, limit);
        }

        Assert.That(job.State, Is.EqualTo(JobState.Cancelled));
    }

    private static string With(string fields)
    {
        var body = new System.Text.Json.Nodes.JsonObject { ["prompt"] = "a cat" };
        foreach (
            (string name, System.Text.Json.Nodes.JsonNode? value) in System.Text.Json.Nodes.JsonNode.Parse(fields)!.AsObject().ToArray()
        )
        {
            body[name] = value?.DeepClone();
        }

        return body.ToJsonString();
    }
}
