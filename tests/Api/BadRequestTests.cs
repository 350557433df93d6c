using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Generation.Api.Tests;

/// <summary>What is refused, with which code, and which words the error has.</summary>
public sealed class BadRequestTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    private static IEnumerable<TestCaseData> Fields()
    {
        yield return Case("{}", "prompt", "is required");
        yield return Case("""{"prompt": null}""", "prompt", "is required");
        yield return Case("""{"prompt": "  "}""", "prompt", "must not be empty");
        yield return Case("""{"prompt": 5}""", "prompt", "must be a string, and is a number: 5");
        yield return Case("""{"prompt": "a\u0000b"}""", "prompt", "U+0000");
        yield return Case("""{"prompt": "a\ud800"}""", "prompt", "not valid Unicode");
        yield return Case("""{"prompt": "a", "prompt": "b"}""", "prompt", "given twice");
        yield return Case(
            """{"prompt": "LONG"}""".Replace("LONG", new string('x', 4001)),
            "prompt",
            "4000 characters at most, and has 4001"
        );
        yield return Case("""{"prompt": "a", "widht": 256}""", "widht", "did you mean 'width'?");
        yield return Case("""{"prompt": "a", "negativePrompt": "b"}""", "negativePrompt", "did you mean 'negative_prompt'?");
        yield return Case("""{"prompt": "a", "xyzzy": 1}""", "xyzzy", "there is no such field");
        yield return Case("""{"prompt": "a", "width": "256"}""", "width", "must be a whole number, and is a string");
        yield return Case("""{"prompt": "a", "width": 256.5}""", "width", "must be a whole number");
        yield return Case("""{"prompt": "a", "width": 47}""", "width", "must be 48 to 1024 with demo, and is 47");
        yield return Case("""{"prompt": "a", "height": 1025}""", "height", "must be 48 to 1024 with demo, and is 1025");
        yield return Case("""{"prompt": "a", "width": 99999999999}""", "width", "too large a number");
        yield return Case("""{"prompt": "a", "width": 1e400}""", "width", "too large a number");
        yield return Case("""{"prompt": "a", "num_inference_steps": 0}""", "num_inference_steps", "must be 1 to 150, and is 0");
        yield return Case("""{"prompt": "a", "num_inference_steps": 151}""", "num_inference_steps", "must be 1 to 150, and is 151");
        yield return Case("""{"prompt": "a", "guidance_scale": -1}""", "guidance_scale", "must be 0 to 50, and is -1");
        yield return Case("""{"prompt": "a", "guidance_scale": true}""", "guidance_scale", "must be a number, and is a boolean");
        yield return Case("""{"prompt": "a", "guidance_rescale": 1.5}""", "guidance_rescale", "must be 0 to 1, and is 1.5");
        yield return Case("""{"prompt": "a", "seed": -1}""", "seed", "must be 0 to 9007199254740991, and is -1");
        yield return Case("""{"prompt": "a", "num_images": 5}""", "num_images", "must be 1 to 4, and is 5");
        yield return Case("""{"prompt": "a", "scheduler": "dimm"}""", "scheduler", "did you mean 'ddim'?");
        yield return Case("""{"prompt": "a", "model": "dmo"}""", "model", "there is no model 'dmo'; did you mean 'demo'?");
        yield return Case("""{"prompt": "a", "output_format": "gif"}""", "output_format", "must be one of png");
        yield return Case("""{"prompt": "a", "output_quality": 101}""", "output_quality", "must be 1 to 100, and is 101");
        yield return Case("""{"prompt": "a", "priority": 101}""", "priority", "must be -100 to 100, and is 101");
        yield return Case("""{"prompt": "a", "expires_in": 0}""", "expires_in", "must be 1 to 604800, and is 0");
        yield return Case("""{"prompt": "a", "metadata": [1]}""", "metadata", "must be an object, and is an array");
        yield return Case("""{"prompt": "a", "metadata": {"a": "\u0000"}}""", "metadata", "U+0000");
        yield return Case(
            """{"prompt": "a", "metadata": {"a": "LONG"}}""".Replace("LONG", new string('x', 20_000)),
            "metadata",
            "16384 bytes at most"
        );

        static TestCaseData Case(string body, string field, string words) =>
            new TestCaseData(body, field, words).SetArgDisplayNames(body.Length > 60 ? body[..60] + "..." : body);
    }

    [TestCaseSource(nameof(Fields))]
    public async Task Submit_WrongField_NamesFieldLimitAndValue(string body, string field, string words)
    {
        using HttpResponseMessage answer = await PostAsync(body);

        JsonElement problem = await ProblemAsync(answer, 422, "invalid_request");
        Assert.That(problem.GetProperty("errors").GetProperty(field)[0].GetString(), Does.Contain(words));
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain(field));
    }

    [Test]
    public async Task Submit_SeveralWrongFields_ListsAll()
    {
        using HttpResponseMessage answer = await PostAsync("""{"width": 1, "seed": -5, "colour": "red"}""");

        JsonElement errors = (await ProblemAsync(answer, 422, "invalid_request")).GetProperty("errors");
        Assert.That(errors.EnumerateObject().Select(e => e.Name), Is.EquivalentTo(new[] { "colour", "prompt", "width", "seed" }));
    }

    [TestCase("", "is empty")]
    [TestCase("{\"prompt\": ", "not JSON: line 1")]
    [TestCase("{\"prompt\": \"a\",}", "not JSON")]
    [TestCase("[1, 2]", "must be a JSON object, and is an array")]
    [TestCase("\"a\"", "must be a JSON object, and is a string")]
    [TestCase("{\"a\": 1} x", "not JSON")]
    public async Task Submit_NotAnObject_Is400(string body, string words)
    {
        using HttpResponseMessage answer = await PostAsync(body);

        Assert.That((await ProblemAsync(answer, 400, "malformed_json")).GetProperty("detail").GetString(), Does.Contain(words));
    }

    [Test]
    public async Task Submit_DeepNesting_Is400()
    {
        using HttpResponseMessage answer = await PostAsync("{\"metadata\":" + string.Concat(Enumerable.Repeat("[", 1000)));

        await ProblemAsync(answer, 400, "malformed_json");
    }

    [Test]
    public async Task Submit_InvalidUtf8_Is400()
    {
        using var content = new ByteArrayContent([.. "{\"prompt\": \""u8, 0xFF, 0xFE, .. "\"}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/text2img", content);

        Assert.That((int)answer.StatusCode, Is.EqualTo(422).Or.EqualTo(400));
    }

    [Test]
    public async Task Submit_TooLargeBody_Is413()
    {
        using HttpResponseMessage answer = await PostAsync("{\"prompt\": \"" + new string('x', 1 << 20) + "\"}");

        await ProblemAsync(answer, 413, "body_too_large");
    }

    [TestCase("text/plain")]
    [TestCase("application/x-www-form-urlencoded")]
    public async Task Submit_OtherContentType_Is415(string type)
    {
        using HttpResponseMessage answer = await PostAsync("""{"prompt": "a"}""", type);

        Assert.That((await ProblemAsync(answer, 415, "unsupported_content_type")).GetProperty("detail").GetString(), Does.Contain(type));
    }

    [TestCase("Prefer", "wait=0")]
    [TestCase("Prefer", "wait=61")]
    [TestCase("Prefer", "wait=soon")]
    [TestCase("Idempotency-Key", "a\tb")]
    [TestCase("Idempotency-Key", "TOO_LONG")]
    public async Task Submit_WrongHeader_Is400(string name, string value)
    {
        using HttpResponseMessage answer = await PostAsync("""{"prompt": "a"}""", header: (name, value));

        Assert.That((await ProblemAsync(answer, 400, "invalid_header")).GetProperty("detail").GetString(), Does.Contain(name));
    }

    [TestCase("GET", "/v1/nothing", 404, "not_found")]
    [TestCase("GET", "/v1/text2img", 405, "method_not_allowed")]
    [TestCase("GET", "/v1/jobs/none", 404, "job_not_found")]
    [TestCase("GET", "/v1/jobs/01890000-0000-7000-8000-000000000000", 404, "job_not_found")]
    [TestCase("DELETE", "/v1/jobs/01890000-0000-7000-8000-000000000000", 404, "job_not_found")]
    [TestCase("GET", "/v1/models/none", 404, "model_not_found")]
    [TestCase("GET", "/v1/jobs?state=done", 422, "invalid_request")]
    [TestCase("GET", "/v1/jobs?stat=queued", 422, "invalid_request")]
    [TestCase("GET", "/v1/jobs?limit=0", 422, "invalid_request")]
    [TestCase("GET", "/v1/jobs?cursor=xyz", 422, "invalid_request")]
    [TestCase("GET", "/v1/jobs?created_after=yesterday", 422, "invalid_request")]
    [TestCase("GET", "/v1/account/transactions?limit=1000", 422, "invalid_request")]
    public async Task Request_Wrong_IsAProblem(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using HttpResponseMessage answer = await _api.Client.SendAsync(request);

        await ProblemAsync(answer, status, code);
    }

    [Test]
    public async Task Submit_Refused_LeavesNothing()
    {
        using HttpResponseMessage _ = await PostAsync("""{"prompt": "a", "width": 1}""");
        using HttpResponseMessage list = await _api.Client.GetAsync("/v1/jobs");

        JsonElement page = await ApiScope.ReadAsync<JsonElement>(list);
        Assert.That(page.GetProperty("data").GetArrayLength(), Is.Zero);
    }

    private async Task<HttpResponseMessage> PostAsync(
        string body,
        string type = "application/json",
        (string Name, string Value)? header = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/text2img")
        {
            Content = new StringContent(body, Encoding.UTF8, type),
        };
        if (header is var (name, value))
        {
            request.Headers.TryAddWithoutValidation(name, value.Replace("TOO_LONG", new string('k', 256)));
        }

        return await _api.Client.SendAsync(request);
    }

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, int status, string code)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), text);
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        JsonElement problem = JsonSerializer.Deserialize<JsonElement>(text);
        Assert.That(problem.GetProperty("code").GetString(), Is.EqualTo(code));
        Assert.That(problem.GetProperty("status").GetInt32(), Is.EqualTo(status));
        return problem;
    }
}
