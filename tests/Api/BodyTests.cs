using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Api.Tests;

/// <summary>How bodies are read: what of them, in which forms, and how many at a time.</summary>
public sealed class BodyTests
{
    private const long InFlight = 8 << 20;
    private const long OfCaller = 5 << 19;

    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() =>
        _api = await ApiScope.OnAPortAsync(("Bodies:MaxInFlightBytes", $"{InFlight}"), ("Bodies:MaxCallerBytes", $"{OfCaller}"));

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

    [TestCase("gzip")]
    [TestCase("br, gzip")]
    public async Task Submit_CompressedBody_Is415WithItsEncoding(string encoding)
    {
        using var content = new ByteArrayContent([0x1F, 0x8B, 8, 0]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/text2img", content);
        Assert.That((int)answer.StatusCode, Is.EqualTo(415));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("unsupported_content_encoding").And.Contain(encoding));
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
        const int Length = 2_200_000;
        var slow = new List<Socket>();
        try
        {
            while ((slow.Count + 1) * Length <= InFlight)
            {
                slow.Add(await BeginAsync("/v1/img2img", Length, await NewKeyAsync()));
                // All but the end of it
                await SendAllAsync(slow[^1], Enumerable.Repeat((byte)' ', Length - 1).ToArray(), default);
            }

            Assert.That(() => Taken, Is.EqualTo(slow.Count * Length).After(60_000, 20));
            foreach (bool chunked in (bool[])[false, true])
            {
                using HttpResponseMessage refused = await PostAsync("/v1/img2img", new byte[Length], chunked: chunked);
                Assert.That((int)refused.StatusCode, Is.EqualTo(503));
                Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
                Assert.That(
                    (await ApiScope.ReadAsync<JsonElement>(refused)).GetProperty("code").GetString(),
                    Is.EqualTo("too_many_bodies")
                );
            }
        }
        finally
        {
            slow.ForEach(socket => socket.Dispose());
        }

        Assert.That(() => Taken, Is.Zero.After(60_000, 20));
        using HttpResponseMessage taken = await PostAsync("/v1/text2img", "{\"prompt\":\"a\"}"u8.ToArray());
        Assert.That((int)taken.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task Submit_OwnBodiesTakeWhatACallerMay_Is429ForIt_AndOthersGoOn()
    {
        const int Length = 2_200_000;
        string key = await NewKeyAsync();
        using HttpClient own = _api.ClientWith(key);
        using (Socket slow = await BeginAsync("/v1/img2img", Length, key))
        {
            await SendAllAsync(slow, Enumerable.Repeat((byte)' ', Length - 1).ToArray(), default);
            Assert.That(() => Taken, Is.EqualTo(Length).After(60_000, 20));

            using HttpResponseMessage refused = await PostAsync("/v1/img2img", new byte[OfCaller - Length + 1], client: own);
            using HttpResponseMessage others = await PostAsync("/v1/img2img", new byte[OfCaller - Length + 1]);

            Assert.That((int)refused.StatusCode, Is.EqualTo(429));
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
            Assert.That((await ApiScope.ReadAsync<JsonElement>(refused)).GetProperty("code").GetString(), Is.EqualTo("too_many_bodies"));
            Assert.That((int)others.StatusCode, Is.EqualTo(400), "it is read, and no JSON");
        }

        Assert.That(() => Taken, Is.Zero.After(60_000, 20));
        using HttpResponseMessage again = await PostAsync("/v1/img2img", "{}"u8.ToArray(), client: own);
        Assert.That((int)again.StatusCode, Is.EqualTo(422));
    }

    [Test]
    public async Task Submit_ManyBodiesThatSayTheyAreLargeAndTrickle_TakeWhatHasCome()
    {
        const int Many = 32;
        var slow = new List<Socket>();
        try
        {
            for (int i = 0; i < Many; i++)
            {
                slow.Add(await BeginAsync("/v1/img2img", 50 << 20, _api.Key));
                await slow[^1].SendAsync("{\"prompt\":\"a\""u8.ToArray());
            }

            // The least that is taken at once, of each
            Assert.That(() => Taken, Is.EqualTo(Many << 14).After(60_000, 20));
            using HttpResponseMessage taken = await PostAsync("/v1/text2img", "{\"prompt\":\"a\"}"u8.ToArray());
            Assert.That((int)taken.StatusCode, Is.EqualTo(202));
        }
        finally
        {
            slow.ForEach(socket => socket.Dispose());
        }

        Assert.That(() => Taken, Is.Zero.After(60_000, 20));
    }

    [TestCase("Bodies:ReadSeconds", "1")]
    [TestCase("Bodies:LeastBytesPerSecond", "1000000")]
    public async Task Submit_BodyThatDoesNotComeOn_Is408(string setting, string value)
    {
        await using ApiScope api = await ApiScope.OnAPortAsync((setting, value));
        using Socket socket = await BeginAsync("/v1/img2img", 1 << 20, api.Key, address: api.Address);
        await socket.SendAsync("{\"prompt\":\"a\""u8.ToArray());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));

        string answer = await ReadAsync(socket, limit.Token);

        Assert.That(answer, Does.StartWith("HTTP/1.1 408").And.Contain("body_too_slow").And.Contain("Connection: close"));
        Assert.That(() => api.Get<BodyBudget>().Taken, Is.Zero.After(60_000, 20));
    }

    [TestCase("/v1/img2img", "image", "")]
    [TestCase("/v1/images/edits", "image", "")]
    [TestCase("/faces/dezgo/image2image", "init_image", "")]
    [TestCase("/sdapi/v1/img2img", "init_images", "")]
    [TestCase("/api/v1/images/generation", "input_image", "")]
    [TestCase("/api/v6/images/img2img", "init_image", "key")]
    public async Task Submit_CallThatWaitsForItsJob_HoldsNothingOfItsBody(string path, string field, string keyField)
    {
        await using ApiScope api = await ApiScope.OnAPortAsync(("Faces:ModelsLab:WaitSeconds", "900"));
        byte[] picture = NoisePng(512);
        string key = keyField.Length == 0 ? "" : $"\"{keyField}\":\"{api.Key}\",";
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(
                $$"""{{{key}}"prompt":"a cat","{{field}}":"{{Convert.ToBase64String(picture)}}"}""",
                Encoding.UTF8,
                "application/json"
            ),
        };
        request.Headers.Add("Prefer", "wait=60");
        using HttpClient client = api.ClientWith(api.Key);
        Task<HttpResponseMessage> waiting = client.SendAsync(request);
        JobDocument job = await OnlyJobAsync(api, waiting);

        Assert.That(() => api.Get<BodyBudget>().Taken, Is.LessThan(1000).After(30_000, 20), $"of {picture.Length}");
        Assert.That(waiting.IsCompleted, Is.False);

        await api.FinishAsync(job.Id);
        using HttpResponseMessage answer = await waiting;
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        Assert.That(() => api.Get<BodyBudget>().Taken, Is.Zero.After(60_000, 20));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Submit_BodyThatIsTooLarge_IsToldSoAndThatTheConnectionEnds(bool chunked)
    {
        using Socket socket = await BeginAsync("/v1/text2img", chunked ? null : 2 << 20, _api.Key);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        byte[] some = [.. "200000\r\n"u8, .. Enumerable.Repeat((byte)' ', 2 << 20)];
        Task sending = SendAllAsync(socket, some.AsMemory(chunked ? 0 : "200000\r\n".Length), limit.Token);

        string answer = await ReadAsync(socket, limit.Token);

        Assert.That(answer, Does.StartWith("HTTP/1.1 413").And.Contain("Connection: close").And.Contain("body_too_large"));
        socket.Dispose();
        await sending.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [TestCase("/v1/img2img", "")]
    [TestCase("/v1/uploads", "")]
    [TestCase("/v1/images/edits", "")]
    [TestCase("/faces/dezgo/image2image", "")]
    [TestCase("/sdapi/v1/img2img", "")]
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
    [TestCase("/v1/images/generations")]
    [TestCase("/faces/dezgo/text2image")]
    [TestCase("/faces/dezgo/text2video")]
    [TestCase("/sdapi/v1/options")]
    [TestCase("/v1/image/generation/create")]
    [TestCase("/api/v6/images/text2img")]
    [TestCase("/api/v6/images/fetch/1")]
    public async Task Request_WithoutPictures_IsNoLargerThanAMiB(string path)
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync(
            0,
            Generation.Storage.Accounts.Scopes.Admin,
            Generation.Storage.Accounts.Scopes.Jobs
        );
        using Socket socket = await BeginAsync(path, (1 << 20) + 1, client.DefaultRequestHeaders.Authorization!.Parameter);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));

        string answer = await ReadAsync(socket, limit.Token);

        // A call that reads no body is answered at once, and one face tells all errors by the same status
        Assert.That(answer, Does.Match("^HTTP/1.1 (413|201)").Or.Contain("may have 1048576 bytes at most"));
    }

    private long Taken => _api.Get<BodyBudget>().Taken;

    private async Task<string> NewKeyAsync()
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync();
        return client.DefaultRequestHeaders.Authorization!.Parameter!;
    }

    /// <summary>A picture that does not become small as a file.</summary>
    private static byte[] NoisePng(int side)
    {
        byte[] pixels = new byte[side * side * 3];
        new Random(1).NextBytes(pixels);
        return PictureCodec.Encode(new Picture(side, side, 3, pixels), PictureFormat.Png);
    }

    private static async Task<JobDocument> OnlyJobAsync(ApiScope api, Task<HttpResponseMessage> waiting)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            if (waiting.IsCompleted)
            {
                Assert.Fail(await (await waiting).Content.ReadAsStringAsync());
            }

            using HttpResponseMessage list = await api.Client.GetAsync("/v1/jobs", limit.Token);
            if ((await ApiScope.ReadAsync<Page<JobDocument>>(list)).Data is [var job])
            {
                return job;
            }

            await Task.Delay(20, limit.Token);
        }
    }

    private async Task<HttpResponseMessage> PostAsync(
        string path,
        byte[] body,
        string type = "application/json",
        bool chunked = false,
        HttpClient? client = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        request.Headers.TransferEncodingChunked = chunked;
        return await (client ?? _api.Client).SendAsync(request);
    }

    /// <summary>Sends the head of a request, and leaves its body to the caller.</summary>
    private async Task<Socket> BeginAsync(string path, int? length, string? key, string type = "application/json", Uri? address = null)
    {
        address ??= _api.Address;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new DnsEndPoint(address.Host, address.Port));
        string size = length is null
            ? "Transfer-Encoding: chunked"
            : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {length}");
        string authorization = key is null ? "" : $"Authorization: Bearer {key}\r\n";
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\n{authorization}Content-Type: {type}\r\n{size}\r\n\r\n"
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
