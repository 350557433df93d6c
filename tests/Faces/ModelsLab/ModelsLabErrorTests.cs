using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Workers;

namespace Generation.Faces.Tests.ModelsLab;

/// <summary>What goes wrong, in the words and with the statuses of each version.</summary>
[TestFixture]
public sealed class ModelsLabErrorTests : ModelsLabTests
{
    private const string V3 = "/api/v3/text2img";
    private const string V6 = "/api/v6/images/text2img";

    [TestCase(V6, HttpStatusCode.Unauthorized, "Invalid API key")]
    [TestCase(V3, HttpStatusCode.OK, "Invalid Api Key")]
    public async Task Any_WrongKey_IsRefused(string path, HttpStatusCode status, string message)
    {
        foreach (string key in (string[])["nonsense", "gk_" + new string('0', 49)])
        {
            FaceAnswer answer = await Client.SendAsync(path, new { key, prompt = "a cat" });
            Assert.That((answer.Status, answer.Text("status"), answer.Text("message")), Is.EqualTo((status, "error", message)));
        }

        FaceAnswer none = await Client.SendAsync(path, new { prompt = "a cat" });
        Assert.That((none.Status, none.Text("message")), Is.EqualTo((status, message)));
    }

    [TestCase("""{"width": 100}""", "width must be between 256 and 1024")]
    [TestCase("""{"width": "2048"}""", "width must be between 256 and 1024")]
    [TestCase("""{"height": 300}""", "height must be divisible by 8")]
    [TestCase("""{"samples": 5}""", "samples must be between 1 and 4")]
    [TestCase("""{"guidance_scale": 21}""", "guidance_scale must be between 1 and 20")]
    [TestCase("""{"prompt": ["a"]}""", "prompt must be a string")]
    [TestCase("""{"prompt": null}""", "prompt is required")]
    [TestCase("""{"prompt": ""}""", "prompt is required")]
    [TestCase("""{"model_id": "nowhere-9"}""", "Model not found: nowhere-9")]
    public async Task Text2Img_V6FieldAtFault_IsTold(string fields, string message)
    {
        FaceAnswer answer = await Client.SendAsync(V6, With(fields));
        Assert.That(
            (answer.Status, answer.Text("status"), answer.Text("message")),
            Is.EqualTo((HttpStatusCode.BadRequest, "error", message))
        );
    }

    [Test]
    public async Task Text2Img_V3WithoutPrompt_IsToldByField()
    {
        FaceAnswer answer = await Client.SendAsync(V3, With("""{"prompt": null}"""));
        Assert.That((answer.Status, answer.Text("status")), Is.EqualTo((HttpStatusCode.OK, "error")));
        Assert.That(answer["message"].GetProperty("prompt")[0].GetString(), Is.EqualTo("The prompt field is required."));
        Assert.That(answer["messege"].GetRawText(), Is.EqualTo(answer["message"].GetRawText()));
    }

    [Test]
    public async Task Text2Img_V4UnknownModel_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync("/api/v4/dreambooth", With("""{"model_id": "nowhere-9"}"""));
        Assert.That((answer.Status, answer.Text("message")), Is.EqualTo((HttpStatusCode.OK, "Model id not found")));
    }

    [TestCase(V6, HttpStatusCode.PaymentRequired)]
    [TestCase(V3, HttpStatusCode.OK)]
    public async Task Text2Img_NoCredits_IsTold(string path, HttpStatusCode status)
    {
        FaceUser poor = await Api.NewUserAsync(credits: 0);
        FaceAnswer answer = await Client.SendAsync(path, new { key = poor.Key, prompt = "a cat" });
        Assert.That(
            (answer.Status, answer.Text("message")),
            Is.EqualTo((status, "Insufficient credits. Please add more credits to continue."))
        );
    }

    [Test]
    public async Task Any_MalformedBody_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync(V6, "{\"prompt\": ");
        Assert.That((answer.Status, answer.Text("status")), Is.EqualTo((HttpStatusCode.BadRequest, "error")));
        FaceAnswer legacy = await Client.SendAsync(V3, "{\"prompt\": ");
        Assert.That((legacy.Status, legacy.Text("status")), Is.EqualTo((HttpStatusCode.OK, "error")));
    }

    [Test]
    public async Task Any_MalformedBodies_LeaveTheConnectionOpen()
    {
        int connections = 0;
        using var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = 1,
            ConnectCallback = async (context, token) =>
            {
                connections++;
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var client = new HttpClient(handler) { BaseAddress = Client.BaseAddress };
        for (int call = 0; call < 20; call++)
        {
            FaceAnswer answer = await client.SendAsync(V6, "{\"prompt\": ]");
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        }

        Assert.That(connections, Is.EqualTo(1));
    }

    [Test]
    public async Task Any_OperationThatIsNotHere_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync("/api/v6/image_editing/removebg_mask", new { key = User.Key, image = "x" });
        Assert.That((answer.Status, answer.Text("status")), Is.EqualTo((HttpStatusCode.NotFound, "error")));
        Assert.That(answer.Text("message"), Does.Contain("removebg_mask"));
    }

    [Test]
    public async Task Fetch_UnknownNumber_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync("/api/v6/images/fetch/999999999", new { key = User.Key });
        Assert.That((answer.Status, answer.Text("message")), Is.EqualTo((HttpStatusCode.NotFound, "Request not found: 999999999")));
        FaceAnswer legacy = await Client.SendAsync("/api/v3/fetch/999999999", new { key = User.Key });
        Assert.That((legacy.Status, legacy.Text("status")), Is.EqualTo((HttpStatusCode.OK, "error")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_MoreThanThePlansQueue_IsRefused()
    {
        // A model whose worker is elsewhere: nothing of it ever begins
        await WaitingModelAsync();
        FaceUser user = await Api.NewUserAsync();
        string body = JsonSerializer.Serialize(
            new
            {
                key = user.Key,
                model_id = "waiting",
                prompt = "a cat",
                instant_response = "yes",
            }
        );
        for (int i = 0; i < 5; i++)
        {
            Assert.That((await Client.SendAsync(V6, body)).Text("status"), Is.EqualTo("processing"));
        }

        FaceAnswer full = await Client.SendAsync(V6, body);
        Assert.That(
            (full.Status, full.Text("message"), full["retry_after"].GetInt32()),
            Is.EqualTo((HttpStatusCode.TooManyRequests, "Rate limit exceeded. Maximum 5 queued requests allowed.", 30))
        );
        FaceAnswer legacy = await Client.SendAsync("/api/v4/dreambooth", body);
        Assert.That((legacy.Status, legacy.Text("message")), Is.EqualTo((HttpStatusCode.OK, "Rate limit exceeded")));
        Assert.That(legacy.Text("tips"), Does.Contain('5'));

        FaceAnswer count = await Client.SendAsync("/api/v6/processing/request_count", new { key = user.Key });
        Assert.That(count["processing_count"].GetInt32(), Is.EqualTo(5));
        FaceAnswer cleared = await Client.SendAsync("/api/v1/enterprise/images/clear_queue", new { key = user.Key });
        Assert.That(cleared.Text("status"), Is.EqualTo("success"));
        Assert.That((await Api.JobsAsync(user)).Select(j => j.State), Is.All.EqualTo(JobState.Cancelled));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_AccountWithALimitOfItsOwn_HasThat()
    {
        await WaitingModelAsync();
        FaceUser user = await Api.NewUserAsync();
        await Api.Get<AccountStore>().ChangeAsync(user.Account, null, null, """{"queued_jobs": 1}""", default);
        string body = JsonSerializer.Serialize(
            new
            {
                key = user.Key,
                model_id = "waiting",
                prompt = "a cat",
                instant_response = "yes",
            }
        );
        Assert.That((await Client.SendAsync(V6, body)).Text("status"), Is.EqualTo("processing"));
        Assert.That(
            (await Client.SendAsync(V6, body)).Text("message"),
            Is.EqualTo("Rate limit exceeded. Maximum 1 queued requests allowed.")
        );
        await Client.SendAsync("/api/v1/enterprise/images/clear_queue", new { key = user.Key });
    }

    [Test, CancelAfter(240_000)]
    public async Task Fetch_CancelledJob_HasFailed()
    {
        await WaitingModelAsync();
        FaceUser user = await Api.NewUserAsync();
        FaceAnswer made = await Client.SendAsync(
            V6,
            new
            {
                key = user.Key,
                model_id = "waiting",
                prompt = "a cat",
                instant_response = "yes",
            }
        );
        FaceAnswer waiting = await Client.SendAsync(made.Text("fetch_result"), new { key = user.Key });
        Assert.That((waiting.Text("status"), waiting["output"].ValueKind), Is.EqualTo(("processing", JsonValueKind.String)));
        FaceAnswer legacy = await Client.SendAsync("/api/v4/dreambooth/fetch", new { key = user.Key, request_id = made.Text("id") });
        Assert.That((legacy.Text("status"), legacy["output"].ValueKind), Is.EqualTo(("processing", JsonValueKind.Array)));

        await Client.SendAsync(
            "/api/v3/delete_image",
            new
            {
                key = user.Key,
                request_id = made["id"].GetInt64(),
                type = "image",
            }
        );
        FaceAnswer failed = await Client.SendAsync(made.Text("fetch_result"), new { key = user.Key });
        Assert.That(
            (failed.Status, failed.Text("status"), failed.Text("message"), failed.Text("id"), failed.Text("output")),
            Is.EqualTo((HttpStatusCode.OK, "failed", "Failed, Try Again", "", ""))
        );
    }

    private async Task WaitingModelAsync()
    {
        WorkerRegistry workers = Api.Get<WorkerRegistry>();
        ModelEntry demo = (await workers.ModelsAsync(default)).First(m => m.Name == "demo");
        await workers.RegisterAsync(new WorkerRegistration("absent", [demo with { Name = "waiting" }], 1, null), default);
        await workers.RemoveAsync("absent", default);
        // The API's list of models is at most a second old
        CancellationToken limit = FaceStack.Limit();
        while (
            (await Client.SendAsync("/api/v1/enterprise/verify_model", new { key = User.Key, model_id = "waiting" })).Text("status")
            != "success"
        )
        {
            await Task.Delay(100, limit);
        }
    }

    private string With(string fields)
    {
        var body = new System.Text.Json.Nodes.JsonObject
        {
            ["key"] = User.Key,
            ["model_id"] = "midjourney",
            ["prompt"] = "a cat",
        };
        foreach (
            (string name, System.Text.Json.Nodes.JsonNode? value) in System.Text.Json.Nodes.JsonNode.Parse(fields)!.AsObject().ToArray()
        )
        {
            body[name] = value?.DeepClone();
        }

        return body.ToJsonString();
    }
}
