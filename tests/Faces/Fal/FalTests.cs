using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading.Channels;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.Hosting.Servers;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Generation.Faces.Tests.Fal;

/// <summary>The queue, calls that wait, uploads, webhooks and errors, as fal's clients know them.</summary>
public sealed class FalTests : FaceTests
{
    private const string Queue = "/fal/queue/";
    private const string Run = "/fal/run/";
    private const string Small = """{"prompt":"a paper fox","image_size":{"width":"64","height":96},"num_inference_steps":3""";

    private protected override HttpClient ClientOf(FaceUser user)
    {
        HttpClient client = Api.Client();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Key id:{user.Key}");
        return client;
    }

    [Test]
    public async Task Queue_FromSubmitToResult_IsAsPublished()
    {
        using JobHold hold = FaceStack.Holds.AtStep(2);
        using HttpResponseMessage taken = await SendAsync(
            HttpMethod.Post,
            Queue + "fal-ai/flux/dev",
            Small + ""","seed":7,"num_images":2}"""
        );
        JsonElement submitted = await JsonAsync(taken, 200);
        string id = Text(submitted, "request_id");
        string address = new Uri(Api.Address, $"{Queue}fal-ai/flux/requests/{id}").ToString();
        Assert.That(
            submitted.EnumerateObject().Select(p => p.Name),
            Is.EqualTo(new[] { "status", "request_id", "response_url", "status_url", "cancel_url", "queue_position" })
        );
        Assert.That(
            (Text(submitted, "status"), submitted.GetProperty("queue_position").GetInt32(), Text(submitted, "response_url")),
            Is.EqualTo(("IN_QUEUE", 0, address))
        );
        Assert.That((Text(submitted, "status_url"), Text(submitted, "cancel_url")), Is.EqualTo((address + "/status", address + "/cancel")));
        Assert.That(taken.Headers.GetValues("x-fal-request-id").Single(), Is.EqualTo(id));

        await hold.ReachedAsync();
        JsonElement running = await JsonAsync(await Client.GetAsync(address + "/status?logs=1", FaceStack.Limit()), 202);
        Assert.That(Text(running, "status"), Is.EqualTo("IN_PROGRESS"));
        JsonElement log = running.GetProperty("logs")[0];
        Assert.That((Text(log, "message"), Text(log, "level"), Text(log, "source")), Is.EqualTo(("Using seed: 7", "INFO", "USER")));
        JsonElement silent = await JsonAsync(await Client.GetAsync(address + "/status/?logs=0", FaceStack.Limit()), 202);
        Assert.That(silent.GetProperty("logs").ValueKind, Is.EqualTo(JsonValueKind.Null));
        JsonElement early = await JsonAsync(await Client.GetAsync(address, FaceStack.Limit()), 400);
        Assert.That(Text(early, "detail"), Is.EqualTo("Request is still in progress"));

        hold.Release();
        JsonElement done = await EndAsync(id);
        Assert.That(done.GetProperty("metrics").GetProperty("inference_time").GetDouble(), Is.Not.Negative);
        using HttpResponseMessage answer = await Client.GetAsync(address + "/", FaceStack.Limit());
        JsonElement result = await JsonAsync(answer, 200);
        Assert.That(answer.Headers.GetValues("x-fal-request-id").Single(), Is.EqualTo(id));
        Assert.That(
            result.EnumerateObject().Select(p => p.Name),
            Is.EqualTo(new[] { "images", "timings", "seed", "has_nsfw_concepts", "prompt" })
        );
        JsonElement image = result.GetProperty("images")[1];
        Assert.That(
            (image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32(), Text(image, "content_type")),
            Is.EqualTo((64, 96, "image/jpeg"))
        );
        Assert.That((result.GetProperty("seed").GetInt64(), Text(result, "prompt")), Is.EqualTo((7L, "a paper fox")));
        Assert.That(result.GetProperty("has_nsfw_concepts").GetRawText(), Is.EqualTo("[false,false]"));
        using HttpClient nobody = Api.Client();
        byte[] picture = await nobody.GetByteArrayAsync(Text(image, "url"), FaceStack.Limit());
        Assert.That(PictureHeader.Read(picture), Is.EqualTo(new PictureHeader("image/jpeg", 64, 96)));
        JsonElement late = await JsonAsync(await SendAsync(HttpMethod.Put, $"{Queue}any/app/requests/{id}/cancel"), 400);
        Assert.That(Text(late, "status"), Is.EqualTo("ALREADY_COMPLETED"));
    }

    [Test]
    public async Task Queue_Cancelled_IsCompletedWithAnErrorAsResult()
    {
        using JobHold hold = FaceStack.Holds.AtStep(1);
        JsonElement submitted = await JsonAsync(await SendAsync(HttpMethod.Post, Queue + "fal-ai/fast-sdxl", Small + "}"), 200);
        string id = Text(submitted, "request_id");
        await hold.ReachedAsync();
        JsonElement cancelled = await JsonAsync(await SendAsync(HttpMethod.Put, Text(submitted, "cancel_url")), 202);
        Assert.That(Text(cancelled, "status"), Is.EqualTo("CANCELLATION_REQUESTED"));

        JsonElement done = await EndAsync(id);
        Assert.That((Text(done, "error_type"), Text(done, "error")), Is.EqualTo(("client_cancelled", "The request was cancelled.")));
        JsonElement result = await JsonAsync(await Client.GetAsync(Text(submitted, "response_url"), FaceStack.Limit()), 499);
        Assert.That(Text(result, "detail"), Is.EqualTo("The request was cancelled."));
        JsonElement none = await JsonAsync(await SendAsync(HttpMethod.Put, $"{Queue}fal-ai/x/requests/{Guid.Empty}/cancel"), 404);
        Assert.That(Text(none, "status"), Is.EqualTo("NOT_FOUND"));
    }

    [Test]
    public async Task Status_Stream_EndsWithTheOutcome()
    {
        JsonElement submitted = await JsonAsync(await SendAsync(HttpMethod.Post, Queue + "fal-ai/flux/schnell", Small + "}"), 200);
        string events = await Client.GetStringAsync(Text(submitted, "status_url") + "/stream?logs=1", FaceStack.Limit());
        string[] blocks = events.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        JsonElement last = JsonDocument.Parse(blocks[^1]["data: ".Length..]).RootElement;
        Assert.That((Text(last, "status"), Text(last, "request_id")), Is.EqualTo(("COMPLETED", Text(submitted, "request_id"))));
    }

    [Test]
    public async Task Run_WithSyncMode_AnswersWithTheFiles()
    {
        JsonElement result = await JsonAsync(
            await SendAsync(HttpMethod.Post, Run + "fal-ai/fast-sdxl", Small + ""","sync_mode":"true","format":"png","unknown":1}"""),
            200
        );
        string url = Text(result.GetProperty("images")[0], "url");
        Assert.That(url, Does.StartWith("data:image/png;base64,"));
        byte[] bytes = Convert.FromBase64String(url[(url.IndexOf(',') + 1)..]);
        Assert.That(PictureHeader.Read(bytes), Is.EqualTo(new PictureHeader("image/png", 64, 96)));
    }

    [Test]
    public async Task Run_OtherKinds_AreTheirJobs()
    {
        string picture = "data:image/png;base64," + Convert.ToBase64String(TestPictures.Gradient(64, 64));
        string mask = "data:image/png;base64," + Convert.ToBase64String(TestPictures.WhiteMiddle(64, 64));
        JsonElement drawn = await RunAsync(
            "fal-ai/flux/dev/image-to-image",
            $$"""{"image_url":"{{picture}}","strength":0.5,"num_inference_steps":4,"prompt":"a"}"""
        );
        Assert.That(drawn.GetProperty("images").GetArrayLength(), Is.EqualTo(1));
        Assert.That((await NewestAsync<Img2ImgRequest>()).Strength, Is.EqualTo(0.5));
        await RunAsync(
            "fal-ai/fast-sdxl/inpainting",
            $$"""{"image_url":"{{picture}}","mask_url":"{{mask}}","num_inference_steps":2,"prompt":"a","image_size":null}"""
        );
        Assert.That((await NewestAsync<InpaintRequest>()).MaskMode, Is.EqualTo(MaskMode.PaintWhite));
        JsonElement clip = await RunAsync("generation/demo-upscaler", $$"""{"image_url":"{{picture}}","scale":2}""");
        Assert.That(clip.GetProperty("image").GetProperty("width").GetInt32(), Is.EqualTo(128));
        JsonElement enlarged = await RunAsync("fal-ai/esrgan", $$"""{"image_url":"{{picture}}","scale":4,"output_format":"jpeg"}""");
        Assert.That(
            (enlarged.GetProperty("image").GetProperty("height").GetInt32(), Text(enlarged.GetProperty("image"), "content_type")),
            Is.EqualTo((256, "image/jpeg"))
        );

        JsonElement words = await JsonAsync(
            await SendAsync(HttpMethod.Post, Queue + "fal-ai/flux/dev", """{"prompt":"a","image_size":"portrait_16_9"}"""),
            200
        );
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That((request.Width, request.Height), Is.EqualTo((576, 1024)));
        await SendAsync(HttpMethod.Put, Text(words, "cancel_url"));
        JsonElement video = await JsonAsync(
            await SendAsync(HttpMethod.Post, Queue + "fal-ai/wan-t2v", """{"prompt":"a","num_frames":2,"aspect_ratio":"1:1"}"""),
            200
        );
        VideoRequest asked = await NewestAsync<VideoRequest>();
        Assert.That((asked.Width, asked.Height, asked.NumFrames), Is.EqualTo((480, 480, 2)));
        await SendAsync(HttpMethod.Put, Text(video, "cancel_url"));
    }

    [Test]
    public async Task Run_ClientHangsUp_CancelsItsJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using var patience = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(1);
        using var body = new StringContent(Small + "}");
        Task<HttpResponseMessage> call = client.PostAsync(Run + "fal-ai/flux/dev", body, patience.Token);
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
    public async Task Run_ApiRestarts_TheSameCallGetsTheSameJob()
    {
        FaceUser user = await Api.NewUserAsync();
        FaceApi first = (await FaceStack.GetAsync()).StartApi(0);
        using JobHold hold = FaceStack.Holds.AtStep(1);
        using var client = new HttpClient { BaseAddress = first.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Key {user.Key}");
        using var body = new StringContent(Small + "}");
        Task<HttpResponseMessage> call = client.PostAsync(Run + "fal-ai/flux/dev", body, FaceStack.Limit());
        await hold.ReachedAsync();
        await first.DisposeAsync();
        try
        {
            // Told to come again, or cut off: as the server had time
            using HttpResponseMessage cut = await call;
            Assert.That(cut.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        }
        catch (HttpRequestException) { }

        using HttpClient again = ClientOf(user);
        using var same = new StringContent(Small + "}");
        // Else the first call's waiter counts as alive for some seconds where it was cut off
        again.DefaultRequestHeaders.Add("x-stainless-retry-count", "1");
        Task<HttpResponseMessage> second = again.PostAsync(Run + "fal-ai/flux/dev", same, FaceStack.Limit());
        hold.Release();
        using HttpResponseMessage answer = await second;

        await JsonAsync(answer, 200);
        JobDocument job = (await Api.JobsAsync(user)).Single();
        Assert.That(answer.Headers.GetValues("x-fal-request-id").Single(), Is.EqualTo(job.Id.ToString()));
    }

    [TestCase("{}", "missing", """["body","prompt"]""")]
    [TestCase("""{"prompt":"a","num_images":9}""", "less_than_equal", """["body","num_images"]""")]
    [TestCase("""{"prompt":"a","num_images":"many"}""", "type_error", """["body","num_images"]""")]
    [TestCase("""{"prompt":"a","image_size":"huge"}""", "literal_error", """["body","image_size"]""")]
    [TestCase("""{"prompt":"a","image_size":{"width":99999,"height":64}}""", "value_error", """["body","image_size","width"]""")]
    [TestCase("""{"prompt":"a","loras":[1]}""", "type_error", """["body","loras",0]""")]
    [TestCase("""{"prompt":"a","loras":[{"path":"https://a.example/x.safetensors"}]}""", "value_error", """["body","loras",0,"path"]""")]
    public async Task Input_ThatIsWrong_IsToldAsPydanticDoes(string body, string type, string location)
    {
        using HttpResponseMessage refused = await SendAsync(HttpMethod.Post, Queue + "fal-ai/fast-sdxl", body);
        JsonElement detail = (await JsonAsync(refused, 422)).GetProperty("detail")[0];
        Assert.That((Text(detail, "type"), detail.GetProperty("loc").GetRawText()), Is.EqualTo((type, location)));
        Assert.That(Text(detail, "msg"), Is.Not.Empty);
        Assert.That(Guid.TryParse(refused.Headers.GetValues("x-fal-request-id").Single(), out _), Is.True);
    }

    [Test]
    public async Task Others_AreErrorsOfTheService()
    {
        using HttpClient nobody = Api.Client();
        using var nothing = new StringContent("no json");
        JsonElement stranger = await JsonAsync(await nobody.PostAsync(Queue + "a/b", nothing, FaceStack.Limit()), 401);
        Assert.That(Text(stranger, "detail"), Does.StartWith("Authentication is required"));
        JsonElement app = await JsonAsync(await SendAsync(HttpMethod.Post, Run + "fal-ai/nothing", Small + "}"), 404);
        Assert.That(Text(app, "detail"), Is.EqualTo("Application 'fal-ai/nothing' not found"));
        await JsonAsync(await Client.GetAsync(Queue + "fal-ai/flux/requests/x/status", FaceStack.Limit()), 404);
        await JsonAsync(await Client.GetAsync("/fal/nothing/at/all", FaceStack.Limit()), 404);
        foreach (string target in (string[])["https://fal.run/%00", "https://queue.fal.run/%FF?a=%", "file:///a", "a"])
        {
            using var proxied = new HttpRequestMessage(HttpMethod.Post, "/fal") { Content = new StringContent(Small + "}") };
            proxied.Headers.TryAddWithoutValidation("x-fal-target-url", target);
            await JsonAsync(await Client.SendAsync(proxied, FaceStack.Limit()), 404);
        }

        JsonElement malformed = await JsonAsync(await SendAsync(HttpMethod.Post, Run + "fal-ai/flux/dev", "{"), 400);
        Assert.That(Text(malformed, "error_type"), Is.EqualTo("bad_request"));
        using HttpClient poor = ClientOf(await Api.NewUserAsync(0));
        using var small = new StringContent(Small + "}");
        await JsonAsync(await poor.PostAsync(Run + "fal-ai/flux/dev", small, FaceStack.Limit()), 402);
        JsonElement picture = await JsonAsync(
            await SendAsync(HttpMethod.Post, Run + "fal-ai/esrgan", """{"image_url":"https://127.0.0.1:1/a.png"}"""),
            422
        );
        Assert.That(Text(picture.GetProperty("detail")[0], "type"), Is.EqualTo("file_download_error"));
    }

    [Test]
    public async Task Upload_ByTwoAddresses_IsAnInput()
    {
        JsonElement addresses = await JsonAsync(
            await SendAsync(
                HttpMethod.Post,
                "/fal/rest/storage/upload/initiate?storage_type=fal-cdn-v3",
                """{"content_type":"image/png","file_name":"a.png"}"""
            ),
            200
        );
        byte[] png = TestPictures.Gradient(64, 64);
        using HttpClient nobody = Api.Client();
        foreach (int _ in (int[])[1, 2])
        {
            // The same file again, as after a lost answer, is the same upload
            using var content = new ByteArrayContent(png);
            content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
            await JsonAsync(await nobody.PutAsync(Text(addresses, "upload_url"), content, FaceStack.Limit()), 200);
        }

        using var other = new ByteArrayContent(TestPictures.WhiteMiddle(64, 64));
        await JsonAsync(await nobody.PutAsync(Text(addresses, "upload_url"), other, FaceStack.Limit()), 409);
        using var forged = new ByteArrayContent(png);
        await JsonAsync(await nobody.PutAsync(Text(addresses, "upload_url")[..^2] + "AA", forged, FaceStack.Limit()), 403);
        Assert.That(await nobody.GetByteArrayAsync(Text(addresses, "file_url"), FaceStack.Limit()), Is.EqualTo(png));
        JsonElement enlarged = await RunAsync(
            "fal-ai/esrgan",
            JsonSerializer.Serialize(new { image_url = Text(addresses, "file_url"), scale = 2 })
        );
        Assert.That(enlarged.GetProperty("image").GetProperty("width").GetInt32(), Is.EqualTo(128));
    }

    [Test]
    public async Task Webhook_OfBothEnds_HasThePayload()
    {
        var told = Channel.CreateUnbounded<string>();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        await using WebApplication receiver = builder.Build();
        receiver.MapPost("/hook", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            told.Writer.TryWrite(await reader.ReadToEndAsync());
        });
        await receiver.StartAsync(FaceStack.Limit());
        string query = "?fal_webhook=" + Uri.EscapeDataString(receiver.Urls.First() + "/hook");

        JsonElement made = await JsonAsync(await SendAsync(HttpMethod.Post, $"{Queue}fal-ai/flux/dev{query}", Small + "}"), 200);
        JsonElement done = JsonDocument.Parse(await told.Reader.ReadAsync(FaceStack.Limit())).RootElement;
        Assert.That((Text(done, "request_id"), Text(done, "status")), Is.EqualTo((Text(made, "request_id"), "OK")));
        Assert.That(Text(done, "gateway_request_id"), Is.EqualTo(Text(made, "request_id")));
        Assert.That(Text(done.GetProperty("payload").GetProperty("images")[0], "url"), Does.StartWith(Api.Address.ToString()));

        using JobHold hold = FaceStack.Holds.AtStep(1);
        JsonElement ended = await JsonAsync(await SendAsync(HttpMethod.Post, $"{Queue}fal-ai/flux/dev{query}", Small + "}"), 200);
        await SendAsync(HttpMethod.Put, Text(ended, "cancel_url"));
        JsonElement error = JsonDocument.Parse(await told.Reader.ReadAsync(FaceStack.Limit())).RootElement;
        Assert.That((Text(error, "status"), Text(error, "error")), Is.EqualTo(("ERROR", "Invalid status code: 499")));
        Assert.That(Text(error.GetProperty("payload"), "detail"), Is.EqualTo("The request was cancelled."));
    }

    [Test]
    public async Task Hosts_ByTheirFirstLabel_HaveTheirParts()
    {
        FaceStack stack = await FaceStack.GetAsync();
        int port = Ports.Free();
        await using FaceApi api = stack.StartApi(
            0,
            ("Faces:Fal:Port", $"{port}"),
            ("Faces:Fal:Hosts:0", "queue.fal.example"),
            ("Faces:Fal:Models:fal-ai/flux/dev:Native", "demo")
        );
        using HttpClient client = api.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/fal-ai/flux/dev")
        {
            Content = new StringContent("""{"prompt":"a","image_size":"square"}"""),
            Headers = { Host = "queue.fal.example" },
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {User.Key}");
        JsonElement submitted = await JsonAsync(await client.SendAsync(request, FaceStack.Limit()), 200);
        Assert.That(Text(submitted, "status_url"), Does.StartWith("http://queue.fal.example/fal/queue/fal-ai/flux/requests/"));
        Text2ImgRequest asked = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (asked.Width, asked.NumInferenceSteps, asked.GuidanceScale),
            Is.EqualTo((512, 28, 3.5)),
            "a model that is named here is as on the service"
        );

        // At a port of its own, what is asked for without a part is in the queue
        using var own = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        own.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Key {User.Key}");
        using var nothing = new StringContent("");
        string path = $"/fal-ai/flux/requests/{Text(submitted, "request_id")}";
        using HttpResponseMessage cancelled = await own.PutAsync(path + "/cancel", nothing, FaceStack.Limit());
        Assert.That(cancelled.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        using HttpResponseMessage native = await own.GetAsync("/v1/models", FaceStack.Limit());
        Assert.That(native.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "other interfaces are not there");
    }

    private async Task<JsonElement> RunAsync(string model, string body) =>
        await JsonAsync(await SendAsync(HttpMethod.Post, Run + model, body), 200);

    /// <summary>Sends a body without a content type.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string body = "")
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body) };
        request.Content.Headers.ContentType = null;
        return await Client.SendAsync(request, FaceStack.Limit());
    }

    private async Task<JsonElement> EndAsync(string id)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            using HttpResponseMessage answer = await Client.GetAsync($"{Queue}any/app/requests/{id}/status", limit);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                JsonElement status = await JsonAsync(answer, 200);
                Assert.That(Text(status, "status"), Is.EqualTo("COMPLETED"));
                return status;
            }

            await Task.Delay(100, limit);
        }
    }

    private async Task<T> NewestAsync<T>()
        where T : JobRequest => (T)(await Api.JobsAsync(User))[0].Request!;

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
