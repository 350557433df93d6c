using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Generation.Storage.Accounts;

namespace Generation.Api.Tests;

/// <summary>
/// What a request may take of memory: twice its body and 8 MiB, whatever is in it. Counted is all that the process allocates while one
/// request is answered by the real server, which is more than lives at any moment of it.
/// </summary>
[NonParallelizable]
public sealed class MemoryTests
{
    private const long Beside = 8 << 20;
    private const int Times = 3;
    private const int Large = 24 << 20;

    private ApiScope _api = null!;
    private string _poor = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.OnAPortAsync(("Faces:WaitSeconds", "1"), ("Bodies:MaxInFlightBytes", $"{256 << 20}"));
        // Nothing is ever made: what is allocated is the reading, not the waiting
        Account account = (await _api.Get<AccountStore>().CreateAsync("poor", Contracts.Credits.Zero, default))!;
        _poor = (await _api.Get<ApiKeyStore>().CreateAsync(account.Id, "poor", [Scopes.Jobs], null, default)).Key;
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    private static IEnumerable<TestCaseData> Bodies()
    {
        foreach (
            string path in (string[])["/v1/img2img", "/v1/images/generations", "/api/v6/images/img2img", "/v1/image/generation/create"]
        )
        {
            yield return Case(path, "list of numbers", Repeat("{\"KEYprompt\":\"a\",\"loras\":[1", ",1", "]}"));
            yield return Case(path, "list of objects", Repeat("{\"KEYprompt\":\"a\",\"loras\":[{}", ",{}", "]}"));
            yield return Case(path, "fields that are none", Repeat("{\"KEYprompt\":\"a\"", ",\"a\":1", "}"));
            yield return Case(path, "field given often", Repeat("{\"KEYprompt\":\"a\"", ",\"width\":{}", "}"));
            yield return Case(path, "long text", Repeat("{\"KEYprompt\":\"", "long ", "\"}"));
            yield return Case(path, "long escaped text", Repeat("{\"KEYprompt\":\"", "\\u0041", "\"}"));
            yield return Case(path, "long name", Repeat("{\"KEYprompt\":\"a\",\"", "name", "\":1}"));
            yield return Case(path, "long number", Repeat("{\"KEYprompt\":\"a\",\"width\":1", "1", "}"));
            yield return Case(path, "metadata", Repeat("{\"KEYprompt\":\"a\",\"metadata\":{\"a\":[1", ",2", "]}}"));
            yield return Case(path, "picture of many bytes", Repeat("{\"KEYprompt\":\"a\",\"image\":\"iVBORw0KGgoAAAAN", "AAAA", "\"}"));
            yield return Case(
                path,
                "picture, escaped",
                Repeat("{\"KEYprompt\":\"a\",\"image\":\"data:image\\/png;base64,", "\\/AAA", "\"}")
            );
            yield return Case(path, "no base64", Repeat("{\"KEYprompt\":\"a\",\"image\":\"", "!!!!", "\"}"));
            yield return Case(
                path,
                "texts with commas",
                Repeat("{\"KEYprompt\":\"a\",\"lora_model\":[\"a\"", $",\"{string.Concat(Enumerable.Repeat("a,", 12_000))}\"", "]}")
            );
            yield return Case(path, "spaces", Repeat("{\"KEYprompt\":\"a\"", "    ", "}"));
            yield return Case(path, "cut", Repeat("{\"KEYprompt\":\"a\",\"loras\":[[", "[1],", ""));
            yield return Case(path, "form", Repeat("KEYprompt=a&image=", "iVBO", ""), "application/x-www-form-urlencoded");
            yield return Case(path, "form of many fields", Repeat("KEYprompt=a", "&a=1", ""), "application/x-www-form-urlencoded");
            yield return Case(path, "parts", Parts("KEY", "image", file: true), "multipart/form-data; boundary=x");
            yield return Case(path, "parts of text", Parts("KEY", "image", file: false), "multipart/form-data; boundary=x");
            yield return Case(path, "part of words", Parts("KEY", "prompt", file: false), "multipart/form-data; boundary=x");
        }

        static TestCaseData Case(string path, string name, Func<string, byte[]> body, string type = "application/json") =>
            new TestCaseData(path, body, type).SetArgDisplayNames(path, name);

        static Func<string, byte[]> Repeat(string head, string many, string tail) =>
            key =>
            {
                var body = new ArrayBufferWriter<byte>(Large + 1024);
                body.Write(Encoding.UTF8.GetBytes(head.Replace("KEY", key)));
                byte[] piece = Encoding.UTF8.GetBytes(many);
                while (body.WrittenCount < Large)
                {
                    body.Write(piece);
                }

                body.Write(Encoding.UTF8.GetBytes(tail));
                return body.WrittenSpan.ToArray();
            };

        static Func<string, byte[]> Parts(string key, string field, bool file) =>
            given =>
                Repeat(
                    "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n"
                        + given
                        + "\r\n--x\r\n"
                        + $"Content-Disposition: form-data; name=\"{field}\"{(file ? "; filename=\"a.png\"" : "")}\r\n\r\n",
                    "iVBO",
                    "\r\n--x--\r\n"
                )("");
    }

    [TestCaseSource(nameof(Bodies))]
    public async Task Request_AnyBody_TakesTwiceItsSizeAnd8MiBAtMost(string path, Func<string, byte[]> bodyOf, string type)
    {
        bool isForm = type.Contains("urlencoded", StringComparison.Ordinal);
        byte[] body = bodyOf(
            type.StartsWith("multipart", StringComparison.Ordinal) ? _poor
            : isForm ? $"key={_poor}&"
            : $"key\":\"{_poor}\",\""
        );
        // What is made once for all requests
        await SendAsync(path, Encoding.UTF8.GetBytes("{}"), "application/json", chunked: false);

        foreach (bool chunked in (bool[])[false, true])
        {
            long most = (2L * body.Length) + Beside;
            long allocated = long.MaxValue;
            // What else the process does meanwhile, on a machine that is slow, counts as well: of a few times the least is the request's
            for (int time = 0; time < Times && allocated > most; time++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                int status = await SendAsync(path, body, type, chunked);
                allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
                Assert.That(status, Is.InRange(200, 499), "it is refused, in the manner of its interface");
            }

            Assert.That(allocated, Is.LessThanOrEqualTo(most), $"chunked: {chunked}");
        }
    }

    [Test]
    public async Task Request_GeneratedBodies_TakeTwiceTheirSizeAnd8MiBAtMost([Range(1, 12)] int seed)
    {
        var random = new Random(seed);
        string[] paths =
        [
            "/v1/inpaint",
            "/v1/controlnet",
            "/v1/video",
            "/v1/images/edits",
            "/faces/dezgo/inpainting",
            "/api/v1/images/generation",
            "/sdapi/v1/img2img",
            "/sdapi/v1/extra-batch-images",
        ];
        string[] names =
        [
            "prompt",
            "loras",
            "control",
            "image",
            "mask",
            "refiner",
            "metadata",
            "webhook_events",
            "width",
            "images",
            "init_images",
            "imageList",
            "override_settings",
            "alwayson_scripts",
            "colour",
        ];
        string[] pieces = ["1", "\"a\"", "{}", "[]", "null", "{\"model\":1}", "{\"image\":\"iVBO\"}", "[[{}]]", "1e5", "\"\\u00e9\""];
        for (int i = 0; i < 6; i++)
        {
            var body = new ArrayBufferWriter<byte>();
            body.Write("{\"a\":1"u8);
            while (body.WrittenCount < 6 << 20)
            {
                string piece = pieces[random.Next(pieces.Length)];
                body.Write(Encoding.UTF8.GetBytes($",\"{names[random.Next(names.Length)]}\":"));
                int length = random.Next(1 << random.Next(1, 22));
                if (random.Next(3) == 0)
                {
                    body.Write(Encoding.UTF8.GetBytes('"' + new string('A', length) + '"'));
                }
                else
                {
                    body.Write(Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat(piece, length / 4))}]"));
                }
            }

            body.Write("}"u8);
            byte[] bytes = body.WrittenSpan.ToArray();
            string path = paths[random.Next(paths.Length)];
            long before = GC.GetTotalAllocatedBytes(precise: true);
            int status = await SendAsync(path, bytes, "application/json", random.Next(2) == 0);
            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

            Assert.That(status, Is.InRange(200, 499), path);
            Assert.That(allocated, Is.LessThanOrEqualTo((2L * bytes.Length) + Beside), path);
        }
    }

    /// <summary>Sends a body from where it lies, and returns the status.</summary>
    private async Task<int> SendAsync(string path, byte[] body, string type, bool chunked)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new DnsEndPoint(_api.Address.Host, _api.Address.Port));
        string length = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {body.Length}";
        await SendAllAsync(
            socket,
            Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: {_api.Address.Authority}\r\nAuthorization: Bearer {_poor}\r\nContent-Type: {type}\r\n"
                    + $"Connection: close\r\n{length}\r\n\r\n"
            )
        );
        try
        {
            if (chunked)
            {
                await SendAllAsync(socket, Encoding.ASCII.GetBytes(body.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
            }

            await SendAllAsync(socket, body);
            if (chunked)
            {
                await SendAllAsync(socket, "\r\n0\r\n\r\n"u8.ToArray());
            }
        }
        catch (SocketException)
        {
            // Answered before all was sent
        }

        byte[] head = new byte[12];
        int read = 0;
        while (read < head.Length && await socket.ReceiveAsync(head.AsMemory(read)) is > 0 and var count)
        {
            read += count;
        }

        byte[] rest = new byte[4096];
        while (await socket.ReceiveAsync(rest) > 0)
        {
            // To its end
        }

        return int.Parse(Encoding.ASCII.GetString(head, 9, 3), CultureInfo.InvariantCulture);
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }
}
