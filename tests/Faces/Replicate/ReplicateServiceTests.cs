using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading.Channels;
using Generation.Contracts;
using Generation.Hosting.Servers;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Generation.Faces.Tests.Replicate;

/// <summary>Errors, cancelling, files, webhooks, streams, and where the face is.</summary>
public sealed class ReplicateServiceTests : ReplicateTests
{
    [Test]
    public async Task Key_ThatIsMissing_IsAskedForBeforeAnythingIsRead()
    {
        using HttpClient nobody = Api.Client();
        JsonElement answer = await CreateAsync(nobody, Of("a/b"), "no json at all", 401);
        Assert.That(
            (Text(answer, "title"), answer.GetProperty("status").GetInt32(), Text(answer, "detail")!.Split('.')[0]),
            Is.EqualTo(("Unauthenticated", 401, "You did not pass a valid authentication token"))
        );

        nobody.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Token", User.Key);
        JsonElement account = await JsonAsync(await nobody.GetAsync("/faces/replicate/v1/v1/account", FaceStack.Limit()), 200);
        Assert.That(Text(account, "username"), Does.StartWith("user-"));
    }

    [TestCase("""{"input":{}}""", "- input.prompt: is required", "required", "input.prompt")]
    [TestCase("""{}""", "- input: is required", "required", "input")]
    [TestCase(
        """{"input":{"prompt":"a","num_outputs":9}}""",
        "- input.num_outputs: must be 4 at most, and is 9",
        "number_lte",
        "input.num_outputs"
    )]
    [TestCase(
        """{"input":{"prompt":"a","num_outputs":0}}""",
        "- input.num_outputs: must be 1 at least, and is 0",
        "number_gte",
        "input.num_outputs"
    )]
    [TestCase("""{"input":{"prompt":"a","width":"wide"}}""", "- input.width: must be a whole number", "invalid_type", "input.width")]
    [TestCase("""{"input":{"prompt":"a","width":99999}}""", "- input.width: must be 48 to 1024 with demo", "invalid", "input.width")]
    [TestCase("""{"input":{"prompt":"a","scheduler":"SLOW"}}""", "- input.scheduler: must be one of DDIM", "enum", "input.scheduler")]
    [TestCase(
        """{"input":{"prompt":"a","promt":"b"}}""",
        "- input.promt: is not an input",
        "additional_property_not_allowed",
        "input.promt"
    )]
    [TestCase("""{"input":{"prompt":"a","image":"x"}}""", "- input.image: must be an upload's id", "invalid", "input.image")]
    [TestCase("""{"input":[1]}""", "- input: must be an object", "invalid_type", "input")]
    [TestCase("""{"input":{"prompt":"a"},"webhook":"ftp://a"}""", "- webhook: ", "invalid", "webhook")]
    [TestCase(
        """{"input":{"prompt":"a"},"webhook":"https://a.example","webhook_events_filter":["end"]}""",
        "- webhook_events_filter: takes start",
        "invalid",
        "webhook_events_filter"
    )]
    public async Task Input_ThatIsWrong_IsToldByField(string body, string detail, string type, string field)
    {
        JsonElement answer = await CreateAsync(Client, Of("stability-ai/sdxl"), body, 422);

        Assert.That((Text(answer, "title"), answer.GetProperty("status").GetInt32()), Is.EqualTo(("Input validation failed", 422)));
        Assert.That(Text(answer, "detail"), Does.StartWith(detail));
        JsonElement invalid = answer.GetProperty("invalid_fields")[0];
        Assert.That((Text(invalid, "type"), Text(invalid, "field")), Is.EqualTo((type, field)));
        Assert.That(detail, Does.Contain(Text(invalid, "description")!.Split(' ')[0]).Or.EndWith(": "));
    }

    [Test]
    public async Task Fields_OfOtherModels_AreLeftOutAndTold()
    {
        JsonElement made = await CreateAsync(
            Client,
            Of("stability-ai/sdxl"),
            """{"input":{"prompt":"a","width":64,"height":64,"num_inference_steps":2,"aspect_ratio":"1:1","face_enhance":true}}"""
        );
        Assert.That(Text(made, "logs"), Does.Contain("aspect_ratio: this model has no such input").And.Contain("face_enhance: "));
    }

    [Test]
    public async Task Others_AreErrorsOfTheService()
    {
        Assert.That(
            (await GetAsync(Predictions + "/k3v9q2m7x1rm80cabcde4f5g6h", 404)).GetRawText(),
            Is.EqualTo("""{"detail":"You have no prediction 'k3v9q2m7x1rm80cabcde4f5g6h'.","status":404}""")
        );
        JsonElement version = await CreateAsync(Predictions, new { version = "nobody/nothing:1", input = Small() }, 422);
        Assert.That(Text(version, "title"), Is.EqualTo("Invalid version or not permitted"));
        JsonElement none = await CreateAsync(Predictions, new { input = Small() }, 422);
        Assert.That(Text(none.GetProperty("invalid_fields")[0], "field"), Is.EqualTo("version"));
        await GetAsync(Base + "/models/a/b", 404);
        await GetAsync(Base + "/nothing", 404);
        using HttpResponseMessage method = await Client.PostAsync(Base + "/models", null, FaceStack.Limit());
        Assert.That(method.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        await JsonAsync(method, 405);
        JsonElement malformed = await CreateAsync(Client, Of("stability-ai/sdxl"), """{"input":""", 400);
        Assert.That(malformed.GetProperty("status").GetInt32(), Is.EqualTo(400));
        FaceUser poor = await Api.NewUserAsync(0);
        using HttpClient client = Api.Client(poor);
        JsonElement unpaid = await CreateAsync(client, Of("stability-ai/sdxl"), JsonSerializer.Serialize(new { input = Small() }), 402);
        Assert.That(Text(unpaid, "title"), Is.EqualTo("Insufficient credit"));
        JsonElement after = await CreateAsync(Of("stability-ai/sdxl"), new { input = Small() }, 422, ("Cancel-After", "4s"));
        Assert.That(Text(after, "detail"), Does.Contain("Cancel-After takes 5 to 86400 seconds"));
    }

    [Test]
    public async Task CancelAfter_WhileItRuns_CancelsIt()
    {
        using JobHold hold = FaceStack.Holds.AtStep(1);
        JsonElement made = await CreateAsync(Of("stability-ai/sdxl"), new { input = Small() }, headers: ("Cancel-After", "5s"));
        await hold.ReachedAsync();

        // Not asked for by its client
        CancellationToken limit = FaceStack.Limit();
        JobState state;
        do
        {
            await Task.Delay(100, limit);
            state = (await Api.JobsAsync(User)).Single(j => j.Id.Value.ToString("N") == Text(made, "id")).State;
        } while (!state.IsFinal());

        Assert.That(state, Is.EqualTo(JobState.Cancelled));
        Assert.That(Text(await EndAsync(made), "status"), Is.EqualTo("canceled"));
    }

    [Test]
    public async Task Wait_ClientHangsUp_CancelsAndWithoutWaitGoesOn()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        using var patience = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(1);
        using var request = new HttpRequestMessage(HttpMethod.Post, Of("stability-ai/sdxl"))
        {
            Content = new StringContent(JsonSerializer.Serialize(new { input = Small() })),
        };
        request.Headers.Add("Prefer", "wait=60");
        Task<HttpResponseMessage> call = client.SendAsync(request, patience.Token);
        await hold.ReachedAsync();
        await patience.CancelAsync();

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        CancellationToken limit = FaceStack.Limit();
        JobDocument job;
        while (!(job = (await Api.JobsAsync(user)).Single()).State.IsFinal())
        {
            await Task.Delay(50, limit);
        }

        Assert.That(job.State, Is.EqualTo(JobState.Cancelled));
    }

    [Test]
    public async Task Wait_ApiStops_AnswersWithThePredictionThatGoesOn()
    {
        FaceUser user = await Api.NewUserAsync();
        FaceApi other = (await FaceStack.GetAsync()).StartApi(0);
        using HttpClient client = other.Client(user);
        using JobHold hold = FaceStack.Holds.AtStep(1);
        Task<JsonElement> call = CreateAsync(
            client,
            Of("stability-ai/sdxl"),
            JsonSerializer.Serialize(new { input = Small() }),
            headers: ("Prefer", "wait=60")
        );
        await hold.ReachedAsync();
        await other.DisposeAsync();
        JsonElement made = await call;
        hold.Release();

        Assert.That(Text(made, "status"), Is.EqualTo("starting"));
        using HttpClient here = Api.Client(user);
        JsonElement known = await JsonAsync(await here.GetAsync($"{Predictions}/{Text(made, "id")}", FaceStack.Limit()), 200);
        Assert.That(Text(known, "id"), Is.EqualTo(Text(made, "id")));
    }

    [Test]
    public async Task Files_AreKeptAndUsedAsInput()
    {
        byte[] png = TestPictures.Gradient(64, 64);
        using var form = new MultipartFormDataContent();
        using var content = new ByteArrayContent(png);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        form.Add(content, "content", "gradient.png");
        using var metadata = new StringContent("""{"purpose":"test"}""", new MediaTypeHeaderValue("application/json"));
        form.Add(metadata, "metadata", "blob");
        JsonElement file = await JsonAsync(await Client.PostAsync(Base + "/files", form, FaceStack.Limit()), 201);

        string id = Text(file, "id")!;
        Assert.That(
            (Text(file, "name"), Text(file, "content_type"), file.GetProperty("size").GetInt64()),
            Is.EqualTo(("gradient.png", "image/png", (long)png.Length))
        );
        Assert.That(Text(file, "etag"), Is.Not.Null);
        Assert.That(file.GetProperty("metadata").GetRawText(), Is.EqualTo("""{"purpose":"test"}"""));
        // As clients compare it
#pragma warning disable CA5351
        string md5 = Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(png));
#pragma warning restore CA5351
        Assert.That(Text(file.GetProperty("checksums"), "md5"), Is.EqualTo(md5));
        Assert.That((await GetAsync($"{Base}/files/{id}")).GetRawText(), Is.EqualTo(file.GetRawText()));
        Assert.That((await GetAsync(Base + "/files")).GetProperty("results").EnumerateArray().Select(f => Text(f, "id")), Does.Contain(id));
        Assert.That(await Client.GetByteArrayAsync($"{Base}/files/{id}/download", FaceStack.Limit()), Is.EqualTo(png));

        await CreateAsync(
            Of("stability-ai/sdxl"),
            new
            {
                input = new
                {
                    prompt = "a",
                    image = Text(file.GetProperty("urls"), "get"),
                    num_inference_steps = 2,
                },
            }
        );
        Assert.That((await NewestAsync<Img2ImgRequest>()).Image.Bytes, Is.EqualTo(png.Length));

        using HttpResponseMessage deleted = await Client.DeleteAsync($"{Base}/files/{id}", FaceStack.Limit());
        Assert.That(deleted.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        await GetAsync($"{Base}/files/{id}", 404);
    }

    [Test, CancelAfter(240_000)]
    public async Task Webhook_StartAndEnd_AreThePredictionAndSigned()
    {
        var told = Channel.CreateUnbounded<(IHeaderDictionary Headers, string Body)>();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        await using WebApplication receiver = builder.Build();
        receiver.MapPost("/hook", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            told.Writer.TryWrite((new HeaderDictionary(request.Headers.ToDictionary()), await reader.ReadToEndAsync()));
        });
        await receiver.StartAsync(FaceStack.Limit());

        JsonElement made = await CreateAsync(
            Predictions,
            new
            {
                version = "stability-ai/sdxl",
                input = Small(),
                webhook = receiver.Urls.First() + "/hook",
                webhook_events_filter = new[] { "completed" },
            }
        );

        (IHeaderDictionary headers, string body) = await told.Reader.ReadAsync(FaceStack.Limit());
        JsonElement prediction = JsonDocument.Parse(body).RootElement;
        Assert.That((Text(prediction, "id"), Text(prediction, "status")), Is.EqualTo((Text(made, "id"), "succeeded")));
        Assert.That(Text(prediction.GetProperty("urls"), "get"), Is.EqualTo(Text(made.GetProperty("urls"), "get")));
        string secret = Text(await GetAsync(Base + "/webhooks/default/secret"), "key")!;
        byte[] signature = System.Security.Cryptography.HMACSHA256.HashData(
            Convert.FromBase64String(secret["whsec_".Length..]),
            System.Text.Encoding.UTF8.GetBytes($"{headers["webhook-id"]}.{headers["webhook-timestamp"]}.{body}")
        );
        Assert.That(headers["webhook-signature"].ToString().Split(' '), Does.Contain("v1," + Convert.ToBase64String(signature)));

        // An address, and not the file, that needs no token
        string output = prediction.GetProperty("output")[0].GetString()!;
        using HttpClient nobody = Api.Client();
        using HttpResponseMessage picture = await nobody.GetAsync(output, FaceStack.Limit());
        Assert.That(picture.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
    }

    [Test]
    public async Task Stream_WithoutAToken_TellsLogsOutputAndDone()
    {
        JsonElement made = await CreateAsync(Of("stability-ai/sdxl"), new { input = Small() });
        string address = Text(made.GetProperty("urls"), "stream")!;
        using HttpClient nobody = Api.Client();
        string events = await nobody.GetStringAsync(address, FaceStack.Limit());

        string[] blocks = events.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.That(blocks, Is.All.Match(@"^event: (logs|output|done)\nid: \d+:\d+\ndata: "));
        Assert.That(blocks[0], Does.StartWith("event: logs").And.Contain("data: Using seed: "));
        Assert.That(blocks[^2], Does.StartWith("event: output").And.Contain("data: http"));
        Assert.That(blocks[^1], Does.EndWith("data: {}"));
        using HttpResponseMessage forged = await nobody.GetAsync(address[..^2] + "AA", FaceStack.Limit());
        Assert.That(forged.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Port_OfItsOwn_HasTheFaceAtItsRootAndTheFilesOfOutputs()
    {
        FaceStack stack = await FaceStack.GetAsync();
        int port = Ports.Free();
        await using FaceApi api = stack.StartApi(
            0,
            ("Faces:Replicate:Port", port.ToString(CultureInfo.InvariantCulture)),
            ("Faces:Replicate:DataUris", "false"),
            ("Faces:Replicate:Deployments:acme/apples", "stability-ai/sdxl"),
            ("Faces:Replicate:Models:stability-ai/sdxl:Native", "demo")
        );
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", User.Key);

        JsonElement made = await CreateAsync(
            client,
            "/v1/deployments/acme/apples/predictions",
            """{"input":{"prompt":"an apple","width":64,"height":64}}""",
            headers: ("Prefer", "wait=60")
        );

        Assert.That((Text(made, "model"), Text(made, "version")![..3]), Is.EqualTo(("stability-ai/sdxl", "dp-")));
        Assert.That(Text(made.GetProperty("urls"), "get"), Is.EqualTo($"http://127.0.0.1:{port}/v1/predictions/{Text(made, "id")}"));
        string output = made.GetProperty("output")[0].GetString()!;
        Assert.That(output, Does.StartWith($"http://127.0.0.1:{port}/v1/jobs/"));
        Assert.That((await client.GetAsync(output, FaceStack.Limit())).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.NumInferenceSteps, request.GuidanceScale, request.Scheduler),
            Is.EqualTo((50, 7.5, "euler")),
            "a model that is named here is as on the service"
        );
        JsonElement list = await JsonAsync(await client.GetAsync("/v1/deployments", FaceStack.Limit()), 200);
        Assert.That(Text(list.GetProperty("results")[0].GetProperty("current_release"), "model"), Is.EqualTo("stability-ai/sdxl"));
    }
}
