using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Generation.Api.Web;

namespace Generation.Api.Tests;

/// <summary>How bodies are read: what of them, in which forms, and how many at a time.</summary>
public sealed class BodyTests
{
    private const long InFlight = 2 << 20;

    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.OnAPortAsync(("Bodies:MaxInFlightBytes", $"{InFlight}"));

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("/v1/text2img")]
    [TestCase("/v1/img2img")]
    public async Task Submit_ByteOrderMarkBeforeTheJson_IsReadAsWithout(string path)
    {
        using HttpResponseMessage answer = await PostAsync(path, [0xEF, 0xBB, 0xBF, .. "{\"prompt\":\"a red apple\"}"u8]);

        Assert.That((int)answer.StatusCode, Is.EqualTo(path.EndsWith("text2img", StringComparison.Ordinal) ? 202 : 422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("malformed"));
    }

    [Test]
    public async Task Submit_OtherCharset_Is415WithItsName()
    {
        using HttpResponseMessage answer = await PostAsync(
            "/v1/text2img",
            Encoding.Unicode.GetBytes("{\"prompt\":\"a\"}"),
            "application/json; charset=utf-16"
        );

        Assert.That((int)answer.StatusCode, Is.EqualTo(415));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("utf-16"));
    }

    [Test]
    public async Task Submit_ManyWrongFields_TellsOfTwentyAndHowManyMore()
    {
        string fields = string.Join(',', Enumerable.Range(0, 5000).Select(i => $"\"f{i}\":1"));
        using HttpResponseMessage answer = await PostAsync("/v1/text2img", Encoding.UTF8.GetBytes("{" + fields + "}"));

        JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(problem.GetProperty("errors").EnumerateObject().Count(), Is.EqualTo(20));
        // The prompt is missing, too
        Assert.That(problem.GetProperty("more_errors").GetInt32(), Is.EqualTo(4981));
        Assert.That(problem.GetProperty("detail").GetString(), Does.EndWith("And 4981 more."));
    }

    [Test]
    public async Task Submit_ManyWrongFieldsByAFace_TellsOfTwentyAndHowManyMore()
    {
        string loras = string.Join(',', Enumerable.Range(0, 100).Select(i => "x"));
        using HttpResponseMessage answer = await PostAsync(
            "/api/v6/images/text2img",
            Encoding.UTF8.GetBytes($$"""{"prompt":"a","lora_model":"{{loras}}","lora_strength":"{{loras}}"}""")
        );

        Assert.That((int)answer.StatusCode, Is.EqualTo(400));
        Assert.That((await answer.Content.ReadAsByteArrayAsync()).Length, Is.LessThan(10_000));
    }

    [TestCase("loras", "may be 8 at most, and are 5000")]
    [TestCase("webhook_events", "may be 16 at most, and are 5000")]
    public async Task Submit_LongList_IsRefusedByItsLength(string field, string words)
    {
        string items = string.Join(',', Enumerable.Repeat("1", 5000));
        using HttpResponseMessage answer = await PostAsync(
            "/v1/text2img",
            Encoding.UTF8.GetBytes($$"""{"prompt":"a","webhook_url":"http://example.org","{{field}}":[{{items}}]}""")
        );

        JsonElement errors = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("errors").GetProperty(field);
        Assert.That(errors.EnumerateArray().Select(e => e.GetString()), Has.Some.EqualTo(words));
    }

    [Test]
    public async Task Submit_BodiesOfOthersTakeAllThereIs_Is503AndGoesOnAfterwards()
    {
        int length = (int)(InFlight - 1000);
        using Socket slow = await BeginAsync("/v1/img2img", length, _api.Key);
        await slow.SendAsync("{\"prompt\":\"a\""u8.ToArray());
        Assert.That(() => _api.Get<BodyBudget>().Taken, Is.EqualTo(length).After(60_000, 20));

        using HttpResponseMessage refused = await PostAsync("/v1/img2img", Encoding.UTF8.GetBytes(new string(' ', 2000)));
        slow.Dispose();
        Assert.That(() => _api.Get<BodyBudget>().Taken, Is.Zero.After(60_000, 20));
        using HttpResponseMessage taken = await PostAsync("/v1/text2img", "{\"prompt\":\"a\"}"u8.ToArray());

        Assert.That((int)refused.StatusCode, Is.EqualTo(503));
        Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(refused)).GetProperty("code").GetString(), Is.EqualTo("too_many_bodies"));
        Assert.That((int)taken.StatusCode, Is.EqualTo(202));
    }

    [TestCase("/v1/img2img", "")]
    [TestCase("/v1/uploads", "")]
    [TestCase("/v1/images/edits", "")]
    [TestCase("/faces/dezgo/image2image", "")]
    [TestCase("/api/v1/images/generation", "")]
    [TestCase("/v1/image/generation/create", "")]
    [TestCase("/v1/image/upload", "")]
    [TestCase("/api/v6/images/img2img", "{\"prompt\":\"")]
    [TestCase("/api/v6/images/img2img", "{\"key\":\"gk_nobodys\",\"prompt\":\"")]
    [TestCase("/api/v3/img2img", "key=gk_nobodys&prompt=")]
    [TestCase("/api/v3/img2img", "prompt=")]
    public async Task Request_WithoutAGoodKey_IsAnsweredBeforeItsBodyIsThere(string path, string start)
    {
        string type = start.Contains('=') ? "application/x-www-form-urlencoded" : "application/json";
        using Socket socket = await BeginAsync(path, 50 << 20, key: null, type);
        // Its key must stand in the first MiB of a body
        byte[] some = [.. Encoding.UTF8.GetBytes(start), .. Enumerable.Repeat((byte)'a', start.Length == 0 ? 100 : 2 << 20)];
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        Task sending = SendAllAsync(socket, some, limit.Token);

        string answer = await ReadAsync(socket, limit.Token);

        // ModelsLab's older versions answer every error with 200
        Assert.That(answer, Does.StartWith("HTTP/1.1 401").Or.Contain("Invalid Api Key").Or.Contain("Invalid API key"));
        Assert.That(_api.Get<BodyBudget>().Taken, Is.Zero);
        socket.Dispose();
        await sending.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [TestCase("/v1/text2img")]
    [TestCase("/v1/webhooks/secrets")]
    [TestCase("/v1/admin/accounts")]
    public async Task Request_WithoutPictures_IsNoLargerThan32MiB(string path)
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync(0, Generation.Storage.Accounts.Scopes.Admin);
        using Socket socket = await BeginAsync(path, (32 << 20) + 1, client.DefaultRequestHeaders.Authorization!.Parameter);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));

        string answer = await ReadAsync(socket, limit.Token);

        // A call that reads no body is answered at once
        Assert.That(answer, Does.Match("^HTTP/1.1 (413|201)"));
    }

    private async Task<HttpResponseMessage> PostAsync(string path, byte[] body, string type = "application/json")
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return await _api.Client.PostAsync(path, content);
    }

    /// <summary>Sends the head of a request, and leaves its body to the caller.</summary>
    private async Task<Socket> BeginAsync(string path, int length, string? key, string type = "application/json")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new DnsEndPoint(_api.Address.Host, _api.Address.Port));
        string authorization = key is null ? "" : $"Authorization: Bearer {key}\r\n";
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: {_api.Address.Authority}\r\n{authorization}Content-Type: {type}\r\n"
                    + $"Content-Length: {length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n"
            )
        );
        return socket;
    }

    private static async Task<string> ReadAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] some = new byte[4096];
        string answer = "";
        int read;
        // Its body is a JSON object
        while (!answer.Contains('}') && (read = await socket.ReceiveAsync(some, cancellationToken)) > 0)
        {
            answer += Encoding.UTF8.GetString(some, 0, read);
        }

        return answer;
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }
}
