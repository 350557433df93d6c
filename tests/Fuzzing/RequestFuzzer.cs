using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Generation.Fuzzing;

/// <summary>
/// Sends wrong requests to an API and remembers what its answers give, so that later requests are about jobs, uploads and pages that are
/// there. Whatever is sent, the answer is no fault of the server's: no 500, no broken connection, and for a call that the API's
/// description has, no status that it does not tell of.
/// </summary>
/// <param name="client">Leads to the API; its own timeout is how long an answer may take.</param>
/// <param name="keys">Keys that requests have, of which some may be wrong.</param>
/// <param name="seeds">Right requests.</param>
public sealed class RequestFuzzer(HttpClient client, IReadOnlyList<string> keys, IReadOnlyList<RequestSeed> seeds)
{
    private const int MaxKnown = 2000;
    private const int MaxAnswer = 1 << 18;

    /// <summary>A face's way to say that a job took too long: no fault, though it says 500.</summary>
    private const string FaceTimeout = "TIMEOUT";

    /// <summary>What the HTTP server says of any request that it cannot take, and routing of a path or method that is none.</summary>
    private static readonly int[] OfTheServer = [400, 404, 405, 408, 414, 431];

    private static readonly string[] InternalErrors = ["Internal server error. Please try again.", "An unknown error has occured"];

    private readonly ConcurrentDictionary<int, string> _known = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private int _knownCount;
    private long _refused;

    /// <summary>Sends so many requests, some at a time.</summary>
    /// <param name="requests">How many.</param>
    /// <param name="atATime">How many at a time.</param>
    /// <param name="seed">The same choices for the same seed; what the answers give differs all the same.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public async Task<FuzzReport> RunAsync(long requests, int atATime, int seed, CancellationToken cancellationToken)
    {
        long left = requests;
        await Task.WhenAll(
            Enumerable
                .Range(0, atATime)
                .Select(place =>
                    Task.Run(
                        async () =>
                        {
                            var mutator = new Mutator(new Random(HashCode.Combine(seed, place)));
                            while (Interlocked.Decrement(ref left) >= 0 && _faults.Count < FuzzReport.MaxFaults)
                            {
                                await SendAsync(mutator, cancellationToken);
                            }
                        },
                        cancellationToken
                    )
                )
        );
        return new FuzzReport("requests", requests - Math.Max(0, left), _refused, [.. _faults]);
    }

    private async Task SendAsync(Mutator mutator, CancellationToken cancellationToken)
    {
        RequestSeed seed = mutator.Of(seeds);
        using HttpRequestMessage? request = RequestOf(seed, mutator, out string shown);
        if (request is null)
        {
            return;
        }

        try
        {
            using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            int status = (int)answer.StatusCode;
            bool isStream = answer.Content.Headers.ContentType?.MediaType == "text/event-stream";
            string text = isStream ? "" : await ReadAsync(answer, cancellationToken);
            if (status >= 400)
            {
                Interlocked.Increment(ref _refused);
            }

            if (
                (status >= 500 && status is not (503 or 504) && !text.Contains(FaceTimeout, StringComparison.Ordinal))
                || InternalErrors.Any(error => text.Contains(error, StringComparison.Ordinal))
            )
            {
                _faults.Enqueue($"{status} to {shown}: {Cut(text)}");
            }
            else if (
                seed.Statuses is { } told
                && request.Method.Method == seed.Method
                && !told.Contains(status)
                && !OfTheServer.Contains(status)
            )
            {
                _faults.Enqueue($"{status}, which is not told of, to {shown}: {Cut(text)}");
            }

            Learn(text);
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _faults.Enqueue($"{e.GetType().Name} ({e.Message} {e.InnerException?.Message}) to {shown}");
        }
    }

    private HttpRequestMessage? RequestOf(RequestSeed seed, Mutator mutator, out string shown)
    {
        string path = PathOf(seed, mutator);
        string method = mutator.Once(40) ? mutator.Of(["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "QUERY"]) : seed.Method;
        shown = $"{method} {Cut(path)}";
        if (!Uri.TryCreate(client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, UriKind.Absolute, out Uri? uri))
        {
            return null;
        }

        var request = new HttpRequestMessage(new HttpMethod(method), uri);
        AddHeaders(request, mutator);
        if (seed.Body is not null)
        {
            (byte[] body, string type) = BodyOf(seed, mutator);
            shown += $" {type} {Cut(Encoding.UTF8.GetString(body))}";
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        return request;
    }

    private string PathOf(RequestSeed seed, Mutator mutator)
    {
        string path = seed.Path;
        while (path.IndexOf('{', StringComparison.Ordinal) is >= 0 and var start && path.IndexOf('}', start) is > 0 and var end)
        {
            path = path[..start] + Uri.EscapeDataString(mutator.Once(3) ? mutator.Text() : Known(mutator)) + path[(end + 1)..];
        }

        string[] query =
        [
            .. (seed.Query ?? [])
                .Where(_ => mutator.Once(4))
                .Select(name => $"{name}={Escape(mutator.Once(3) ? Known(mutator) : mutator.Text(), mutator)}"),
        ];
        return query.Length == 0 ? path : $"{path}?{string.Join('&', query)}";
    }

    private static string Escape(string text, Mutator mutator) =>
        mutator.Once(20) ? mutator.Of(["%00", "%FF%FE", "%ED%A0%80", "%", "%zz"]) : Uri.EscapeDataString(Cut(text));

    private void AddHeaders(HttpRequestMessage request, Mutator mutator)
    {
        string key = mutator.Of(keys);
        request.Headers.TryAddWithoutValidation(mutator.Once(20) ? "X-Api-Key" : "Authorization", mutator.Once(20) ? key : "Bearer " + key);
        if (mutator.Once(4))
        {
            (string name, string[] values) = mutator.Of<(string, string[])>([
                ("Prefer", ["wait=1", "wait=0", "wait=", "wait=99999999999", ";", "respond-async"]),
                ("Idempotency-Key", ["a", "b", "", new string('k', 300), "\"c\""]),
                ("Accept", ["image/*", "*/*", "text/event-stream", ";;;"]),
                ("If-None-Match", ["*", "\"a\"", "W/", "\"", ",,,"]),
                ("Range", ["bytes=0-1", "bytes=-1", "bytes=9999999999999999999-", "bytes=1-0", "x"]),
                ("Last-Event-ID", ["1.1", "-1.-1", "x", "99999999999999999999.1"]),
                ("Cancel-After", ["30", "5m", "1h30m45s", "0", "-1s", "99999999h", "s"]),
                (
                    "x-fal-target-url",
                    ["https://queue.fal.run/fal-ai/flux/dev", "https://fal.run/%00", "https://rest.fal.ai/x?y=%FF", "x", "/"]
                ),
                ("x-fal-request-timeout", ["5", "0", "-1", "1e999", "x"]),
                ("Origin", ["https://a.example", "null", "x"]),
                ("X-RapidAPI-Host", ["dezgo.p.rapidapi.com", "x"]),
                ("If-Modified-Since", ["yesterday", "Thu, 01 Jan 1970 00:00:00 GMT"]),
                ("x-stainless-retry-count", ["1", "-1", "x"]),
            ]);
            request.Headers.TryAddWithoutValidation(name, mutator.Of(values));
        }
    }

    private (byte[] Body, string Type) BodyOf(RequestSeed seed, Mutator mutator)
    {
        var fields = new List<KeyValuePair<string, string>>();
        foreach ((string name, JsonNode? value) in seed.Body!)
        {
            string json = value?.ToJsonString() ?? "null";
            json =
                mutator.Once(8) ? mutator.Value()
                : mutator.Once(10) ? JsonSerializer.Serialize(Known(mutator))
                : json.Contains("PICTURE", StringComparison.Ordinal) ? json.Replace("PICTURE", Seeds.PictureText(mutator))
                : json;
            if (json != "null" || mutator.Once(4))
            {
                fields.Add(KeyValuePair.Create(name, json));
            }
        }

        if (mutator.Once(12) && fields.Count > 0)
        {
            fields.Add(
                KeyValuePair.Create(
                    mutator.Once(2) ? mutator.Of(fields).Key : mutator.Of(["\\ud800", "", "a[0].b", "key", "loras[0].image"]),
                    mutator.Value()
                )
            );
        }

        (byte[] body, string type) = (seed.TakesForms ? mutator.Random.Next(4) : 0) switch
        {
            2 => (FormOf(fields), "application/x-www-form-urlencoded"),
            3 => (PartsOf(fields, mutator), "multipart/form-data; boundary=x"),
            _ => (Encoding.UTF8.GetBytes("{" + string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}")) + "}"), "application/json"),
        };
        if (mutator.Once(5))
        {
            body = mutator.Change(body);
        }

        return (
            body,
            mutator.Once(30) ? mutator.Of(["", "text/plain", "application/json; charset=utf-16", "multipart/form-data", "x"]) : type
        );
    }

    private static byte[] FormOf(IEnumerable<KeyValuePair<string, string>> fields) =>
        Encoding.ASCII.GetBytes(
            string.Join('&', fields.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(Plain(f.Value))}"))
        );

    private static byte[] PartsOf(IEnumerable<KeyValuePair<string, string>> fields, Mutator mutator)
    {
        var form = new MemoryStream();
        foreach ((string name, string value) in fields)
        {
            bool isFile = mutator.Once(6);
            string field = mutator.Once(20)
                ? mutator.Of(["webhook_events[0].image", "control[0].image", "control[99].image", "loras[0].model", ""])
                : name;
            form.Write(
                Encoding.UTF8.GetBytes(
                    $"--x\r\nContent-Disposition: form-data; name=\"{field}\"{(isFile ? "; filename=\"a.png\"" : "")}\r\n"
                        + $"{(isFile ? "Content-Type: image/png\r\n" : "")}\r\n"
                )
            );
            form.Write(
                isFile
                    ? mutator.Once(2)
                        ? Seeds.Picture
                        : mutator.Change(Seeds.Picture)
                    : Encoding.UTF8.GetBytes(Plain(value))
            );
            form.Write("\r\n"u8);
        }

        form.Write("--x--\r\n"u8);
        return form.ToArray();
    }

    /// <summary>A value as a form has it.</summary>
    private static string Plain(string json)
    {
        try
        {
            return json.StartsWith('"') ? JsonSerializer.Deserialize<string>(json)! : json;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return json;
        }
    }

    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        byte[] bytes = new byte[1 << 14];
        var text = new StringBuilder();
        int read;
        while ((read = await body.ReadAsync(bytes, cancellationToken)) > 0)
        {
            if (text.Length < MaxAnswer)
            {
                text.Append(Encoding.UTF8.GetString(bytes, 0, read));
            }
        }

        return text.ToString();
    }

    /// <summary>Remembers the texts and numbers of an answer that may be something's name.</summary>
    private void Learn(string text)
    {
        if (!text.StartsWith('{') || text.Length >= MaxAnswer)
        {
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            Learn(json.RootElement);
        }
        catch (JsonException)
        {
            // Some errors of faces are plain text
        }
    }

    private void Learn(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    if (
                        member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number
                        && (
                            member.Name
                                is "id"
                                    or "next_cursor"
                                    or "url"
                                    or "link"
                                    or "object"
                                    or "name"
                                    or "job"
                                    or "request_id"
                                    or "fetch_result"
                            || member.Name.EndsWith("_id", StringComparison.Ordinal)
                            || member.Name.EndsWith("_url", StringComparison.Ordinal)
                        )
                    )
                    {
                        _known[Interlocked.Increment(ref _knownCount) % MaxKnown] = Cut(member.Value.ToString());
                    }
                    else
                    {
                        Learn(member.Value);
                    }
                }

                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in value.EnumerateArray().Take(20))
                {
                    Learn(item);
                }

                break;
        }
    }

    private string Known(Mutator mutator) =>
        _known.TryGetValue(mutator.Random.Next(Math.Clamp(_knownCount, 1, MaxKnown)), out string? known) ? known : mutator.Text();

    private static string Cut(string text) => text.Length <= 600 ? text : text[..600];
}
