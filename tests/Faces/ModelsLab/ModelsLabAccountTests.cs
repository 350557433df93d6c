using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Generation.Api.Accounts;
using Generation.Contracts;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Generation.Faces.Tests.ModelsLab;

/// <summary>Account, models, load, webhooks, and calls that end early.</summary>
[TestFixture]
public sealed class ModelsLabAccountTests : ModelsLabTests
{
    [TestCase("/api/v3/system_load")]
    [TestCase("/api/v4/system_load")]
    public async Task SystemLoad_IsAsPublished(string path)
    {
        FaceAnswer answer = await Client.SendAsync(path, new { key = User.Key });
        Assert.That(answer.Text("status"), Is.EqualTo("ok"));
        Assert.That((answer["queue_num"].GetInt32(), answer["queue_time"].GetInt32()), Is.GreaterThanOrEqualTo((0, 0)));
    }

    [Test]
    public async Task ModelList_IsAnArrayWithAllItsFields()
    {
        FaceAnswer answer = await Client.SendAsync("/api/v4/dreambooth/model_list", new { key = User.Key });
        JsonElement demo = answer.Json.EnumerateArray().Single(m => m.GetProperty("model_id").GetString() == "demo");
        Assert.That(demo.GetProperty("status").GetString(), Is.EqualTo("model_ready"));
        foreach (string name in (string[])["created_at", "instance_prompt", "model_name", "description", "screenshots"])
        {
            Assert.That(demo.TryGetProperty(name, out _), name);
        }
    }

    [Test]
    public async Task SchedulersAndReload_KnowTheServicesNames()
    {
        FaceAnswer schedulers = await Client.SendAsync("/api/v1/enterprise/schedulers_list", new { key = User.Key });
        Assert.That(
            schedulers.Json.EnumerateArray().Select(s => s.GetString()),
            Does.Contain("UniPCMultistepScheduler").And.Contain("DDIMScheduler")
        );
        Assert.That(
            (await Client.SendAsync("/api/v4/dreambooth/model_reload", new { key = User.Key, model_id = "demo" })).Text("status"),
            Is.EqualTo("success")
        );
        FaceAnswer none = await Client.SendAsync("/api/v6/images/model_reload", new { key = User.Key, model_id = "nowhere-9" });
        Assert.That((none.Status, none.Text("message")), Is.EqualTo((HttpStatusCode.NotFound, "Model not found: nowhere-9")));
    }

    [Test]
    public async Task WalletBalance_NewAccount_HasItsFreeCredits()
    {
        decimal free = Api.Get<IOptions<AccountOptions>>().Value.FreeCredits;
        Assert.That(free, Is.EqualTo(25));
        FaceUser user = await Api.NewUserAsync(free);
        foreach (string path in (string[])["/api/wallet_balance", "/api/v6/wallet_balance"])
        {
            FaceAnswer answer = await Client.SendAsync(path, new { key = user.Key });
            Assert.That((answer.Text("status"), answer["data"].GetProperty("balance").GetDecimal()), Is.EqualTo(("success", 25m)));
            Assert.That(answer["data"].GetProperty("currency").GetString(), Is.Not.Empty);
        }
    }

    [Test]
    public async Task RequestCount_NothingOpen_IsZero()
    {
        FaceUser user = await Api.NewUserAsync();
        FaceAnswer answer = await Client.SendAsync("/api/v6/processing/request_count", new { key = user.Key });
        Assert.That(
            (answer.Text("status"), answer["processing_count"].GetInt32(), answer.Text("message")),
            Is.EqualTo(("success", 0, "Current processing request count retrieved successfully"))
        );
    }

    [Test]
    public async Task NsfwCheck_NoModelHasAChecker_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync(
            "/api/v3/nsfw_image_check",
            new { key = User.Key, init_image = "https://example.com/x.png" }
        );
        Assert.That(answer.Text("status"), Is.EqualTo("error"));
        Assert.That(answer.Text("message"), Does.Contain("safety checker"));
    }

    [Test, CancelAfter(240_000)]
    public async Task DeleteImage_Done_ForgetsTheOutputs()
    {
        FaceAnswer made = await SubmitAsync(
            Client,
            new
            {
                key = User.Key,
                prompt = "a cup",
                width = "256",
                height = "256",
                num_inference_steps = "2",
            }
        );
        FaceAnswer deleted = await Client.SendAsync(
            "/api/v3/delete_image",
            new
            {
                key = User.Key,
                request_id = made["id"].GetInt64(),
                type = "image",
            }
        );
        Assert.That((deleted.Text("status"), deleted.Text("messege")), Is.EqualTo(("success", "image deleted")));
        FaceAnswer fetched = await Client.SendAsync("/api/v3/fetch/" + made.Text("id"), new { key = User.Key });
        Assert.That(fetched["output"].GetArrayLength(), Is.Zero);
    }

    [Test, CancelAfter(240_000)]
    public async Task Webhook_DoneAndFailed_AreToldAsPublished()
    {
        var told = Channel.CreateUnbounded<JsonElement>();
        await using WebApplication receiver = Receiver(told.Writer);
        await receiver.StartAsync(FaceStack.Limit());
        string address = receiver.Urls.First() + "/hook";

        FaceAnswer made = await SubmitAsync(
            Client,
            new
            {
                key = User.Key,
                prompt = "a hat",
                width = "256",
                height = "256",
                num_inference_steps = "2",
                webhook = address,
                track_id = "my-7",
            }
        );
        JsonElement done = await told.Reader.ReadAsync(FaceStack.Limit());
        Assert.That((done.GetProperty("status").GetString(), done.GetProperty("track_id").GetString()), Is.EqualTo(("success", "my-7")));
        Assert.That(done.GetProperty("id").GetInt64(), Is.EqualTo(made["id"].GetInt64()));
        Assert.That(
            (done.GetProperty("output").GetArrayLength(), done.GetProperty("generationTime").GetDouble()),
            Is.GreaterThan((0, 0.0))
        );
        Assert.That(done.GetProperty("meta").GetProperty("prompt").GetString(), Is.EqualTo("a hat"));
        Assert.That(
            (await Client.GetAsync(done.GetProperty("output")[0].GetString(), FaceStack.Limit())).StatusCode,
            Is.EqualTo(HttpStatusCode.OK)
        );

        using JobHold hold = FaceStack.Holds.AtStep(1);
        FaceAnswer open = await Client.SendAsync(
            "/api/v6/images/text2img",
            new
            {
                key = User.Key,
                prompt = "a hat",
                width = 256,
                height = 256,
                num_inference_steps = 4,
                webhook = address,
                track_id = 8,
                instant_response = true,
            }
        );
        await Client.SendAsync("/api/v3/delete_image", new { key = User.Key, request_id = open["id"].GetInt64() });
        JsonElement failed = await told.Reader.ReadAsync(FaceStack.Limit());
        Assert.That((failed.GetProperty("status").GetString(), failed.GetProperty("track_id").GetString()), Is.EqualTo(("failed", "8")));
        Assert.That(
            (failed.GetProperty("id").GetInt64(), failed.GetProperty("message").GetString()),
            Is.EqualTo((open["id"].GetInt64(), "The request was cancelled."))
        );
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_ClientHangsUp_CancelsTheJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using var hangUp = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(1);
        using var content = new StringContent(JsonSerializer.Serialize(Small(user)));
        Task<HttpResponseMessage> call = Client.PostAsync("/api/v3/text2img", content, hangUp.Token);
        await hold.ReachedAsync();
        await hangUp.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await JobAsync(user, j => j.State.IsFinal())).State, Is.EqualTo(JobState.Cancelled));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_ApiStopsWhileWaiting_AnswersWithTheJobThatGoesOn()
    {
        FaceUser user = await Api.NewUserAsync();
        FaceApi other = (await FaceStack.GetAsync()).StartApi(0);
        using HttpClient client = other.Client();
        using JobHold hold = FaceStack.Holds.AtStep(1);
        Task<FaceAnswer> call = client.SendAsync("/api/v6/images/text2img", Small(user));
        await hold.ReachedAsync();
        await other.DisposeAsync();
        FaceAnswer answer = await call;
        Assert.That(answer.Text("status"), Is.EqualTo("processing"));

        // Another process knows the number
        FaceAnswer fetched = await Client.SendAsync("/api/v6/images/fetch/" + answer.Text("id"), new { key = user.Key });
        Assert.That(fetched.Text("status"), Is.EqualTo("processing"));
        await Client.SendAsync("/api/v3/delete_image", new { key = user.Key, request_id = answer.Text("id") });
    }

    private static object Small(FaceUser user) =>
        new
        {
            key = user.Key,
            prompt = "a small cat",
            width = "256",
            height = "256",
            num_inference_steps = "4",
        };

    private static WebApplication Receiver(ChannelWriter<JsonElement> told)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/hook", async (HttpContext http) =>
        {
            told.TryWrite(await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body, cancellationToken: http.RequestAborted));
            return Results.Ok();
        });
        return app;
    }

    private async Task<FaceAnswer> SubmitAsync(HttpClient client, object body)
    {
        FaceAnswer answer = await client.SendAsync("/api/v3/text2img", body);
        CancellationToken limit = FaceStack.Limit();
        string key = JsonSerializer.SerializeToElement(body).GetProperty("key").GetString()!;
        string id = answer.Text("id");
        while (answer.Text("status") == "processing")
        {
            await Task.Delay(100, limit);
            answer = await client.SendAsync("/api/v3/fetch/" + id, new { key });
        }

        Assert.That(answer.Text("status"), Is.EqualTo("success"), answer.Json.ToString());
        return answer;
    }

    private async Task<JobDocument> JobAsync(FaceUser user, Func<JobDocument, bool> reached)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            if (await Api.JobsAsync(user) is [{ } job, ..] && reached(job))
            {
                return job;
            }

            await Task.Delay(20, limit);
        }
    }
}
