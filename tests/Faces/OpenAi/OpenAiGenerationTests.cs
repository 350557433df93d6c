using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.Faces.Tests.OpenAi;

public sealed class OpenAiGenerationTests : FaceTests
{
    [Test]
    public async Task Generations_DallE2_AnswersWithAddresses()
    {
        using HttpResponseMessage answer = await PostAsync(
            new
            {
                model = "dall-e-2",
                prompt = "a red apple",
                n = 2,
                size = "256x256",
                user = "u-1",
                num_inference_steps = 4,
                seed = 5,
            }
        );

        JsonElement json = await JsonAsync(answer, 200);
        Assert.That(json.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "created", "data" }));
        Assert.That(json.GetProperty("created").GetInt64(), Is.EqualTo(DateTimeOffset.UtcNow.ToUnixTimeSeconds()).Within(300));
        Assert.That(json.GetProperty("data").GetArrayLength(), Is.EqualTo(2));
        Assert.That(answer.Headers.GetValues("x-request-id").Single(), Is.Not.Empty);
        using HttpClient anyone = Api.Client();
        foreach (JsonElement item in json.GetProperty("data").EnumerateArray())
        {
            Assert.That(item.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "url" }));
            byte[] picture = await anyone.GetByteArrayAsync(new Uri(item.GetProperty("url").GetString()!), FaceStack.Limit());
            Assert.That(PictureHeader.Read(picture), Is.EqualTo(new PictureHeader("image/png", 256, 256)));
        }

        JobDocument job = (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == answer.Headers.GetValues("x-job-id").Single());
        var request = (Text2ImgRequest)job.Request!;
        Assert.That((request.Prompt, request.NumImages, request.NumInferenceSteps, request.Seed), Is.EqualTo(("a red apple", 2, 4, 5L)));
        Assert.That(job.Metadata!.Value.GetProperty("user").GetString(), Is.EqualTo("u-1"));
        Assert.That(job.Cost.Charged, Is.GreaterThan(Credits.Zero));
    }

    [Test]
    public async Task Generations_GptImage_AnswersInBase64WithEchoes()
    {
        using HttpResponseMessage answer = await PostAsync(
            new
            {
                model = "gpt-image-1",
                prompt = "a green pear",
                quality = "low",
                size = "1536x1024",
                output_format = "jpeg",
                output_compression = 50,
                background = "auto",
                moderation = "low",
                n = (int?)null,
            }
        );

        JsonElement json = await JsonAsync(answer, 200);
        byte[] picture = json.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64();
        PictureHeader header = PictureHeader.Read(picture)!;
        Assert.That(header.ContentType, Is.EqualTo("image/jpeg"));
        // The demo model makes sides of 1024 at most: the nearest of the same shape
        Assert.That((double)header.Width / header.Height, Is.EqualTo(1.5).Within(0.01));
        Assert.That(header.Width, Is.EqualTo(1024));
        Assert.That(
            (
                json.GetProperty("background").GetString(),
                json.GetProperty("output_format").GetString(),
                json.GetProperty("quality").GetString(),
                json.GetProperty("size").GetString()
            ),
            Is.EqualTo(("opaque", "jpeg", "low", $"{header.Width}x{header.Height}"))
        );
        JsonElement usage = json.GetProperty("usage");
        Assert.That(
            usage.GetProperty("total_tokens").GetInt32(),
            Is.EqualTo(usage.GetProperty("input_tokens").GetInt32() + usage.GetProperty("output_tokens").GetInt32())
        );
        Assert.That(
            usage.GetProperty("input_tokens_details").EnumerateObject().Select(p => p.Name),
            Is.EqualTo(new[] { "text_tokens", "image_tokens" })
        );
        var request = (Text2ImgRequest)
            (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == answer.Headers.GetValues("x-job-id").Single()).Request!;
        Assert.That((request.NumInferenceSteps, request.OutputQuality), Is.EqualTo((12, 50)), "half of the model's 25 steps");
    }

    [Test]
    public async Task Generations_AsScriptsSendThem_AreUnderstood()
    {
        // No content type, strings for numbers, nulls, an empty string, a field that nobody knows
        using var content = new ByteArrayContent(
            """
            {"model":null,"prompt":"a blue cup","n":"1","size":"","response_format":"b64_json","steps":"3","seed":"7","width":"64",
            "height":"64","extra":1}
            """u8.ToArray()
        );
        using HttpResponseMessage answer = await Client.PostAsync("/v1/images/generations", content, FaceStack.Limit());

        JsonElement json = await JsonAsync(answer, 200);
        Assert.That(
            PictureHeader.Read(json.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64()),
            Is.EqualTo(new PictureHeader("image/png", 64, 64))
        );
        Assert.That(json.TryGetProperty("usage", out _), Is.False);
    }

    [Test]
    public async Task Generations_MorePicturesThanAJobHas_AreSeveralJobs()
    {
        using HttpResponseMessage answer = await PostAsync(
            new
            {
                prompt = "a cat",
                n = 6,
                width = 64,
                height = 64,
                steps = 2,
                seed = 10,
                response_format = "b64_json",
            }
        );

        JsonElement json = await JsonAsync(answer, 200);
        string[] jobs = answer.Headers.GetValues("x-job-id").Single().Split(',');
        Assert.That(json.GetProperty("data").GetArrayLength(), Is.EqualTo(6));
        Assert.That(
            json.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("b64_json").GetString()).Distinct().Count(),
            Is.EqualTo(6)
        );
        IReadOnlyList<JobDocument> made = await Api.JobsAsync(User);
        Assert.That(
            jobs.Select(id => ((Text2ImgRequest)made.Single(j => j.Id.ToString() == id).Request!)).Select(r => (r.NumImages, r.Seed)),
            Is.EqualTo(new[] { (4, 10L), (2, 14L) })
        );
    }

    [Test]
    public async Task Generations_Stream_SendsPartialImagesAndThePicture()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/images/generations")
        {
            Content = JsonContent.Create(
                new
                {
                    model = "gpt-image-1",
                    prompt = "a red apple",
                    stream = true,
                    partial_images = 2,
                    size = "512x512",
                    num_inference_steps = 60,
                    output_format = "webp",
                }
            ),
        };
        // In mid-job until a partial image has come
        using JobHold early = FaceStack.Holds.AtStep(29);
        using JobHold hold = FaceStack.Holds.AtStep(30);
        Task shown = FaceStack.ReleaseBeforeAPreviewAsync(early);
        using HttpResponseMessage answer = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, FaceStack.Limit());

        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
        var stream = new StringBuilder();
        using (var reader = new StreamReader(await answer.Content.ReadAsStreamAsync()))
        {
            CancellationToken limit = FaceStack.Limit();
            while (await reader.ReadLineAsync(limit) is { } line)
            {
                stream.Append(line).Append('\n');
                if (line == "event: image_generation.partial_image")
                {
                    hold.Release();
                }
            }
        }

        await shown;
        List<(string Event, JsonElement Data)> events = Events(stream.ToString());
        (string Event, JsonElement Data)[] partials = [.. events.Where(e => e.Event == "image_generation.partial_image")];
        Assert.That(partials, Has.Length.InRange(1, 2));
        Assert.That(
            partials.Select(p => p.Data.GetProperty("partial_image_index").GetInt32()),
            Is.EqualTo(Enumerable.Range(0, partials.Length))
        );
        foreach ((string name, JsonElement data) in events)
        {
            Assert.That(data.GetProperty("type").GetString(), Is.EqualTo(name));
            foreach (string key in new[] { "b64_json", "created_at", "size", "quality", "background", "output_format" })
            {
                Assert.That(data.TryGetProperty(key, out _), Is.True, key);
            }

            PictureHeader header = PictureHeader.Read(data.GetProperty("b64_json").GetBytesFromBase64())!;
            Assert.That(data.GetProperty("size").GetString(), Is.EqualTo($"{header.Width}x{header.Height}"));
            Assert.That(header.ContentType, Is.EqualTo("image/" + data.GetProperty("output_format").GetString()));
        }

        (string last, JsonElement completed) = events[^1];
        Assert.That(last, Is.EqualTo("image_generation.completed"));
        Assert.That(completed.GetProperty("size").GetString(), Is.EqualTo("512x512"));
        Assert.That(completed.GetProperty("usage").GetProperty("total_tokens").GetInt32(), Is.Zero);
    }

    [TestCase("""{"n":1}""", 400, "invalid_request_error", "prompt", "missing_required_parameter")]
    [TestCase("""{"prompt":["a"]}""", 400, "invalid_request_error", "prompt", "invalid_type")]
    [TestCase("""{"prompt":"a","n":11}""", 400, "invalid_request_error", "n", "invalid_value")]
    [TestCase("""{"prompt":"a","n":"many"}""", 400, "invalid_request_error", "n", "invalid_type")]
    [TestCase("""{"prompt":"a","size":"big"}""", 400, "invalid_request_error", "size", "invalid_value")]
    [TestCase("""{"prompt":"a","size":"9000x16"}""", 400, "invalid_request_error", "size", "invalid_value")]
    [TestCase("""{"prompt":"a","response_format":"tiff"}""", 400, "invalid_request_error", "response_format", "invalid_value")]
    [TestCase("""{"prompt":"a","background":"transparent"}""", 400, "invalid_request_error", "background", "invalid_value")]
    [TestCase("""{"prompt":"a","steps":100000}""", 400, "invalid_request_error", "num_inference_steps", "invalid_value")]
    [TestCase("""{"prompt":"a","model":"dall-e-9"}""", 404, "invalid_request_error", "model", "model_not_found")]
    [TestCase("""{"prompt":""", 400, "invalid_request_error", null, "malformed_json")]
    public async Task Generations_BadInput_HasTheErrorObject(string body, int status, string type, string? param, string code)
    {
        using HttpResponseMessage answer = await Client.PostAsync(
            "/v1/images/generations",
            new StringContent(body, Encoding.UTF8, "application/json"),
            FaceStack.Limit()
        );

        JsonElement error = await ErrorAsync(answer, status);
        Assert.That(
            (error.GetProperty("type").GetString(), error.GetProperty("param").GetString(), error.GetProperty("code").GetString()),
            Is.EqualTo((type, param, code))
        );
    }

    [Test]
    public async Task Generations_WithoutAKeyOrMoney_HaveTheErrorObject()
    {
        using HttpClient stranger = Api.Client();
        using HttpResponseMessage missing = await stranger.PostAsJsonAsync(
            "/v1/images/generations",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That((await ErrorAsync(missing, 401)).GetProperty("code").GetString(), Is.EqualTo("invalid_api_key"));
        using HttpClient reader = Api.Client(await Api.NewUserAsync(1, "read"));
        using HttpResponseMessage forbidden = await reader.PostAsJsonAsync(
            "/v1/images/generations",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That((await ErrorAsync(forbidden, 403)).GetProperty("type").GetString(), Is.EqualTo("invalid_request_error"));
        using HttpClient poor = Api.Client(await Api.NewUserAsync(0.0001m));
        using HttpResponseMessage unpaid = await poor.PostAsJsonAsync("/v1/images/generations", new { prompt = "a" }, FaceStack.Limit());
        Assert.That((await ErrorAsync(unpaid, 429)).GetProperty("type").GetString(), Is.EqualTo("insufficient_quota"));
        Assert.That(unpaid.Headers.GetValues("x-should-retry").Single(), Is.EqualTo("false"));
    }

    [TestCase("GET", "/v1/images/generations", 405)]
    [TestCase("POST", "/v1/images/paintings", 404)]
    public async Task Images_AnotherPathOrMethod_HasTheErrorObject(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using HttpResponseMessage answer = await Client.SendAsync(request, FaceStack.Limit());
        Assert.That((await ErrorAsync(answer, status)).GetProperty("type").GetString(), Is.EqualTo("invalid_request_error"));
    }

    [Test]
    public async Task Models_ServeThisFaceAndTheNativeOne()
    {
        JsonElement list = await Client.GetFromJsonAsync<JsonElement>("/v1/models", FaceStack.Limit());
        JsonElement model = list.GetProperty("data").EnumerateArray().Single(m => m.GetProperty("id").GetString() == "demo");
        JsonElement one = await Client.GetFromJsonAsync<JsonElement>("/v1/models/demo", FaceStack.Limit());

        Assert.That(list.GetProperty("object").GetString(), Is.EqualTo("list"));
        Assert.That(
            (model.GetProperty("object").GetString(), model.GetProperty("owned_by").GetString(), model.GetProperty("name").GetString()),
            Is.EqualTo(("model", "generation", "demo"))
        );
        Assert.That(
            DateTimeOffset.FromUnixTimeSeconds(model.GetProperty("created").GetInt64()),
            Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromHours(1))
        );
        Assert.That(one.GetProperty("id").GetString(), Is.EqualTo("demo"));
    }

    private static List<(string Event, JsonElement Data)> Events(string stream) =>
        [
            .. stream
                .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
                .Select(e => e.Split('\n'))
                // A slow job's stream has comments between its events, which keep it open
                .Where(lines => !Array.TrueForAll(lines, line => line.StartsWith(':')))
                .Select(lines =>
                    (
                        lines.Single(l => l.StartsWith("event: ", StringComparison.Ordinal))["event: ".Length..],
                        JsonDocument
                            .Parse(lines.Single(l => l.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..])
                            .RootElement
                    )
                ),
        ];

    private Task<HttpResponseMessage> PostAsync(object body) => Client.PostAsJsonAsync("/v1/images/generations", body, FaceStack.Limit());

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage answer, int status)
    {
        JsonElement error = (await JsonAsync(answer, status)).GetProperty("error");
        Assert.That(error.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "message", "type", "param", "code" }));
        Assert.That(error.GetProperty("message").GetString(), Is.Not.Empty);
        return error;
    }
}
