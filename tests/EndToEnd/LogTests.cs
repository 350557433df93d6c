using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>At the level at which libraries say most, the logs of a stack in use hold no prompt, no key and no signature.</summary>
[TestFixture]
public sealed class LogTests
{
    private const string Prompt = "a zebra in pyjamas, which is nobody's business";
    private const string Unread = "a walrus at the opera, that is never submitted";
    private const string Hidden = "h1dd3n-t0k3n";

    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(300_000)]
    public async Task Logs_AfterCallsOfManyKinds_HoldNoSecret(CancellationToken token)
    {
        HttpClient http = _stack.Api.Http;
        JobDocument job = await _stack.EndAsync((await _stack.SubmitAsync(Prompt, token, steps: 2)).Id, token);
        using var anyone = new HttpClient { BaseAddress = http.BaseAddress };
        string url = job.Outputs[0].Url;
        string signature = url.Split("signature=")[1];
        await AskAsync(anyone, HttpMethod.Get, url, 200);
        await AskAsync(anyone, HttpMethod.Get, url + "x", 403);
        await AskAsync(http, HttpMethod.Get, $"/v1/jobs?key={_stack.Stack.Key}&api_key={Hidden}", 422);
        await AskAsync(http, HttpMethod.Get, $"/v1/jobs/{_stack.Stack.Key}", 404);
        await AskAsync(anyone, HttpMethod.Get, "/v1/account", 401, (request) => request.Headers.Add("X-Api-Key", Hidden));
        await AskAsync(anyone, HttpMethod.Get, "/v1/account", 401, request =>
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _stack.Stack.Key[..^1])
        );
        await AskAsync(http, HttpMethod.Get, $"/v1/jobs/{job.Id}/events", 200);
        // Bodies that are refused at all heights
        await PostAsync("/v1/text2img", $$"""{"prompt": "{{Unread}}", "width": "{{Hidden}}"}""", 422);
        await PostAsync("/v1/text2img", $$"""{"prompt": "{{Unread}}", "{{Hidden}}": 1, """, 400);
        await PostAsync("/v1/text2img", $$"""{"prompt": ["{{Unread}}"]}""", 422);
        await PostAsync("/v1/img2img", $$"""{"prompt": "{{Unread}}", "image": "data:image/png;base64,{{Base64(Hidden)}}"}""", 422);
        await PostAsync("/v1/text2img", $$"""{"prompt": "{{string.Concat(Enumerable.Repeat(Unread + " ", 20_000))}}"}""", null);
        await PostAsync(
            "/v1/text2img",
            $$"""{"prompt": "{{Prompt}}", "webhook_url": "http://127.0.0.1:9/{{Hidden}}?token={{Hidden}}"}""",
            202
        );
        // Keys in bodies, and prompts in forms
        await PostAsync("/api/v6/images/text2img", $$"""{"key": "{{_stack.Stack.Key}}", "prompt": "{{Unread}}", "width": -1}""", null);
        using var form = new MultipartFormDataContent { { new StringContent(Unread), "prompt" }, { new StringContent("-1"), "width" } };
        using HttpResponseMessage answer = await http.PostAsync(new Uri("/v1/text2img", UriKind.Relative), form, token);
        // A key that is made, and voided
        using HttpResponseMessage made = await http.PostAsJsonAsync(
            "/v1/admin/keys",
            new { account = (string?)(await _stack.Api.GetAsync("/v1/account", token))!["id"], name = "of the logs" },
            token
        );
        JsonNode secrets = (await _stack.Api.GetAsync("/v1/webhooks/secrets", token))!;

        await _stack.AssertLogsAreCleanAsync(
            token,
            Prompt,
            Unread,
            Hidden,
            Base64(Hidden),
            signature,
            (string)secrets["data"]![0]!["secret"]!
        );
        // That names with dots came through is seen by what is there
        string[] lines = [.. _stack.Logs().Where(log => log.EndsWith("api.log", StringComparison.Ordinal)).SelectMany(ReadLines)];
        Assert.That(lines, Has.Some.Contains("Microsoft.AspNetCore.Hosting.Diagnostics").And.Some.Contains("signature=…"));
        Assert.That(lines, Has.Some.Contains("dbug: Npgsql"));

        async Task PostAsync(string path, string body, int? status) =>
            await AskAsync(http, HttpMethod.Post, path, status, request =>
                request.Content = new StringContent(body, Encoding.UTF8, "application/json")
            );

        async Task AskAsync(HttpClient client, HttpMethod method, string path, int? status, Action<HttpRequestMessage>? change = null)
        {
            using var request = new HttpRequestMessage(method, path);
            change?.Invoke(request);
            using HttpResponseMessage response = await client.SendAsync(request, token);
            string said = await response.Content.ReadAsStringAsync(token);
            Assert.That(response.StatusCode, status is null ? Is.Not.EqualTo(HttpStatusCode.OK) : Is.EqualTo((HttpStatusCode)status), said);
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static IEnumerable<string> ReadLines(string path)
    {
        using var text = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        while (text.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
