using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Generation.Contracts;
using Generation.Hosting.Servers;

namespace Generation.Api.Tests;

/// <summary>Traces and metrics as a collector receives them.</summary>
public sealed class TelemetryTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Test]
    public async Task Submit_WithACollector_IsOneTraceOverTheBroker()
    {
        using var collector = new Collector();
        await using ApiScope api = await ApiScope.CreateAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        );
        await using DispatchTests.TestWorker worker = await DispatchTests.TestWorker.StartAsync(api, "w1", slots: 1);
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        const string Prompt = "a prompt that is nobody's business";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/text2img")
        {
            Content = JsonContent.Create(new { prompt = Prompt }),
        };
        request.Headers.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");

        using HttpResponseMessage answer = await api.Client.SendAsync(request);
        JobDocument job = await ApiScope.ReadAsync<JobDocument>(answer);
        await worker.NextAsync();

        // The span of the dispatch tells of the job and belongs to the caller's trace; the broker's send is its child
        byte[] spans = await collector.UntilAsync("/v1/traces", body =>
            Has(body, "dispatch job") && Has(body, job.Id.ToString()) && Has(body, "jobs.demo send")
        );
        Assert.That(CountOf(spans, Convert.FromHexString(Trace)), Is.GreaterThanOrEqualTo(3), "request, dispatch and send");
        Assert.That(Has(spans, "generation-api"));
        Assert.That(Has(spans, Prompt), Is.False);
    }

    [Test]
    public async Task Spans_OfCallsWithSecrets_HoldNone()
    {
        const string Hidden = "h1dd3n";
        using var collector = new Collector();
        await using ApiScope api = await ApiScope.CreateAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("Outbound:AllowedNetworks", "127.0.0.0/8")
        );
        using HttpResponseMessage list = await api.Client.GetAsync($"/v1/jobs?signature={Hidden}&key={api.Key}");
        using HttpResponseMessage none = await api.Client.GetAsync($"/v1/jobs/{api.Key}");
        string receiver = $"http://127.0.0.1:{Ports.Free()}/";

        // Nobody takes the message, which its span says
        JobDocument job = await api.SubmitAsync(new { prompt = Hidden, webhook_url = $"{receiver}{Hidden}/path?token={Hidden}" });
        await api.Client.DeleteAsync($"/v1/jobs/{job.Id}");

        byte[] spans = await collector.UntilAsync("/v1/traces", body => Has(body, receiver));
        Assert.That((Has(spans, Hidden), Has(spans, api.Key)), Is.EqualTo((false, false)));
    }

    [TestCase("OTEL_EXPORTER_OTLP_ENDPOINT", "not an address")]
    [TestCase("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon")]
    public void Start_SettingThatMakesNoSense_SaysWhich(string name, string value) =>
        Assert.That(
            async () => await ApiScope.CreateAsync(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), (name, value)),
            Throws.InvalidOperationException.With.Message.Contain(name).And.Message.Contain(value)
        );

    private static bool Has(byte[] body, string text) => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    private static int CountOf(byte[] body, byte[] sought)
    {
        int count = 0;
        for (int at = 0, next; (next = body.AsSpan(at).IndexOf(sought)) >= 0; at += next + sought.Length)
        {
            count++;
        }

        return count;
    }

    /// <summary>Takes what is exported over HTTP, and keeps it.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();
        private readonly SemaphoreSlim _arrived = new(0);

        public Collector()
        {
            Address = $"http://127.0.0.1:{Ports.Free()}/";
            _listener.Prefixes.Add(Address);
            _listener.Start();
            _ = ReceiveAsync();
        }

        public string Address { get; }

        /// <summary>Everything sent to a path up to now, once it is as wanted.</summary>
        public async Task<byte[]> UntilAsync(string path, Func<byte[], bool> isThere)
        {
            using var limit = new CancellationTokenSource(Limit);
            while (true)
            {
                byte[] all = [.. _received.Where(r => r.Path == path).SelectMany(r => r.Body)];
                if (isThere(all))
                {
                    return all;
                }

                await _arrived.WaitAsync(limit.Token);
            }
        }

        public void Dispose()
        {
            _listener.Close();
            _arrived.Dispose();
        }

        private async Task ReceiveAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    _received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
                    context.Response.ContentType = "application/x-protobuf";
                    context.Response.Close();
                    _arrived.Release();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Closed
            }
        }
    }
}
