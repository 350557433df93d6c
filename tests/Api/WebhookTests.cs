using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>Webhooks to a real server of this process.</summary>
public sealed class WebhookTests
{
    private readonly BlockingCollection<(string Path, Dictionary<string, string> Headers, string Body)> _received = [];
    private ApiScope _api = null!;
    private WebApplication _site = null!;
    private string _address = "";
    private int _port;
    private int _failures;
    private readonly ConcurrentDictionary<string, int> _came = new();
    private volatile string? _hanging;
    private TaskCompletionSource _release = new();

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync(
            ("Outbound:AllowedNetworks", "127.0.0.0/8"),
            ("Outbound:TimeoutSeconds", "120"),
            // However fast the machine is, a test may submit its jobs one after another
            ("Limits:RequestsPerSecond", "10000"),
            ("Limits:Burst", "10000")
        );
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        // Every address of the loopback network is a server of its own
        builder.WebHost.UseUrls("http://0.0.0.0:0");
        builder.Logging.ClearProviders();
        _site = builder.Build();
        _site.MapPost("/{name}", async (string name, HttpContext http) =>
        {
            using var reader = new StreamReader(http.Request.Body);
            string body = await reader.ReadToEndAsync();
            if (name == "flaky" && Interlocked.Decrement(ref _failures) >= 0)
            {
                return Results.StatusCode(500);
            }

            _came.AddOrUpdate(name, 1, (_, count) => count + 1);
            if (_hanging == name)
            {
                await Task.WhenAny(_release.Task, Task.Delay(Timeout.Infinite, http.RequestAborted));
                _came.AddOrUpdate(name, 0, (_, count) => count - 1);
                return Results.StatusCode(503);
            }

            if (name == "moved")
            {
                return Results.Redirect(_address + "/elsewhere", preserveMethod: true);
            }

            _received.Add((name, http.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), body));
            return Results.Ok();
        });
        await _site.StartAsync();
        _port = new Uri(_site.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        _address = $"http://127.0.0.1:{_port}";
    }

    [TearDown]
    public void ReleaseHanging()
    {
        _hanging = null;
        _release.TrySetResult();
    }

    [OneTimeTearDown]
    public async Task StopApi()
    {
        await _site.DisposeAsync();
        await _api.DisposeAsync();
        _received.Dispose();
    }

    [Test]
    public async Task Webhook_AWholeLife_IsToldAndSignedWithEverySecret()
    {
        WebhookSecret first = (await _api.Get<WebhookStore>().SecretsAsync(_api.Account, default)).Single();
        WebhookSecret second = await ApiScope.ReadAsync<WebhookSecret>(await _api.Client.PostAsync("/v1/webhooks/secrets", null));
        JobDocument job = await _api.SubmitAsync(
            new
            {
                prompt = "a",
                webhook_url = _address + "/life",
                webhook_events = new[] { "queued", "started", "finished" },
            }
        );
        await _api.FinishAsync(job.Id);

        var seen = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            (_, Dictionary<string, string> headers, string body) = Next("life");
            JsonElement message = JsonSerializer.Deserialize<JsonElement>(body);
            seen.Add(message.GetProperty("type").GetString()!);
            Assert.That(message.GetProperty("data").GetProperty("id").GetString(), Is.EqualTo(job.Id.ToString()));
            long timestamp = long.Parse(headers["webhook-timestamp"]);
            Assert.That(
                headers["webhook-signature"].Split(' '),
                Is.EqualTo(
                    new[]
                    {
                        WebhookSender.SignatureOf(first, headers["webhook-id"], timestamp, body),
                        WebhookSender.SignatureOf(second, headers["webhook-id"], timestamp, body),
                    }
                )
            );
        }

        Assert.That(seen, Is.EquivalentTo(new[] { "job.queued", "job.started", "job.succeeded" }));
        using HttpResponseMessage removed = await _api.Client.DeleteAsync($"/v1/webhooks/secrets/{second.Id}");
        Assert.That(removed.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Webhook_ReceiverFails_IsTriedAgainAndLogged()
    {
        _failures = 1;
        JobDocument job = await _api.SubmitAsync(new { prompt = "a", webhook_url = _address + "/flaky" });
        await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}");

        (_, Dictionary<string, string> headers, string body) = Next("flaky");

        Assert.That(JsonSerializer.Deserialize<JsonElement>(body).GetProperty("type").GetString(), Is.EqualTo("job.cancelled"));
        JsonElement delivery = await DeliveryAsync(job.Id, d => d.GetProperty("state").GetString() == "delivered");
        Assert.That(delivery.GetProperty("id").GetString(), Is.EqualTo(headers["webhook-id"]));
        Assert.That(delivery.GetProperty("attempts").GetInt32(), Is.EqualTo(2));

        using HttpResponseMessage again = await _api.Client.PostAsync($"/v1/webhooks/deliveries/{headers["webhook-id"]}/redeliver", null);
        Assert.That(again.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(Next("flaky").Headers["webhook-id"], Is.EqualTo(headers["webhook-id"]));
    }

    [Test]
    public async Task Webhook_AHundredReceiversHang_OthersAreToldMeanwhile()
    {
        const int Receivers = 100;
        Hang("silent");
        for (int k = 0; k < Receivers; k++)
        {
            await CancelledAsync(_api.Client, $"http://127.0.1.{k + 1}:{_port}/silent");
        }

        await UntilAsync(() => Came("silent") == Receivers, () => $"{Came("silent")} of {Receivers} receivers have it");
        using HttpClient another = await _api.ClientOfNewAccountAsync();

        await CancelledAsync(another, _address + "/anothers");
        await CancelledAsync(_api.Client, _address + "/own");

        await UntilAsync(() => Came("anothers") == 1 && Came("own") == 1, () => "the others are told");
        Assert.That(Came("silent"), Is.EqualTo(Receivers), "all of them hang still");
    }

    [Test]
    public async Task Webhook_ManyForAReceiverThatHangs_TakeFewPlaces()
    {
        const string Silent = "127.0.2.1";
        Hang("mute");
        for (int k = 0; k < 20; k++)
        {
            await CancelledAsync(_api.Client, $"http://{Silent}:{_port}/mute");
        }

        await UntilAsync(() => Came("mute") == WebhookRoom.ToSilentHost, () => $"{Came("mute")} have come");
        await CancelledAsync(_api.Client, _address + "/beside");

        await UntilAsync(() => Came("beside") == 1, () => "the other is told");
        Assert.That(Came("mute"), Is.EqualTo(WebhookRoom.ToSilentHost));
    }

    [TestCase(null, WebhookRoom.ToHost)]
    [TestCase(true, WebhookRoom.ToHost)]
    [TestCase(false, WebhookRoom.ToSilentHost)]
    public void Leave_ServerThatAnsweredBefore_KeepsItsRoomUnlessItWasSilent(bool? answered, int expected)
    {
        var room = new WebhookRoom(TimeSpan.FromSeconds(1));
        var delivery = new WebhookDelivery(
            Guid.NewGuid(),
            Guid.NewGuid(),
            JobId.New(TimeProvider.System),
            "job.succeeded",
            "http://receiver.example/",
            default,
            1,
            null,
            null,
            null,
            null,
            null
        );
        room.Enter(delivery);
        room.Leave(delivery, answered: true);

        room.Enter(delivery);
        room.Leave(delivery, answered);

        // Two are taken in a turn: the server is full for the next where there is no room for two more
        int taken = 0;
        while (!room.Next()!.FullHosts.Contains(delivery.Host))
        {
            room.Enter(delivery);
            taken++;
        }

        Assert.That(taken, Is.EqualTo(expected - 1));
    }

    /// <summary>The database is at fault before anything is sent, and after the receiver has answered.</summary>
    [TestCase("unsent", "ALTER TABLE webhook_secrets RENAME TO aside", "ALTER TABLE aside RENAME TO webhook_secrets")]
    [TestCase(
        "unwritten",
        "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'away'; END $$;"
            + "CREATE TRIGGER away BEFORE UPDATE OF last_status ON webhook_deliveries FOR EACH ROW EXECUTE FUNCTION away()",
        "DROP TRIGGER away ON webhook_deliveries; DROP FUNCTION away()"
    )]
    public async Task Webhook_FaultOfOurs_LeavesTheReceiverItsRoom(string name, string fault, string repair)
    {
        const int Many = WebhookRoom.ToHost / 2;
        string address = $"http://127.0.{name.Length}.1:{_port}/{name}";
        await CancelledAsync(_api.Client, address);
        await UntilAsync(() => Came(name) == 1, () => "it is told while all is well");
        await ExecuteAsync(fault);
        int logged = TestLog.Lines.Count;
        await CancelledAsync(_api.Client, address);
        await UntilAsync(
            () => TestLog.Lines.Skip(logged).Any(line => line.Contains("Sending a webhook")),
            () => "the database is at fault"
        );
        await ExecuteAsync(repair);
        int before = Came(name);

        Hang(name);
        for (int k = 0; k < Many; k++)
        {
            await CancelledAsync(_api.Client, address);
        }

        await UntilAsync(() => Came(name) >= before + Many, () => $"{Came(name) - before} of {Many} have come");
    }

    [Test]
    public void SignatureOf_TheSpecificationsExample_IsAsThere()
    {
        // https://github.com/standard-webhooks/standard-webhooks
        var secret = new WebhookSecret(Guid.Empty, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", default);

        string signature = WebhookSender.SignatureOf(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}""");

        Assert.That(signature, Is.EqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    [Test]
    public async Task Webhook_ReceiverRedirects_IsNotFollowed()
    {
        JobDocument job = await _api.SubmitAsync(new { prompt = "a", webhook_url = _address + "/moved" });
        await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}");

        JsonElement delivery = await DeliveryAsync(job.Id, d => d.TryGetProperty("last_error", out _));

        Assert.That(delivery.GetProperty("last_error").GetString(), Is.EqualTo("answered with 307"));
    }

    [TestCase("http://127.0.0.1:1/none", "could not be reached")]
    [TestCase("http://10.1.2.3/inside", "not public")]
    [TestCase("http://169.254.169.254/latest", "not public")]
    public async Task Webhook_NobodyThereOrNotAllowed_SaysWhyInTheLog(string address, string words)
    {
        JobDocument job = await _api.SubmitAsync(new { prompt = "a", webhook_url = address });
        await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}");

        JsonElement delivery = await DeliveryAsync(job.Id, d => d.TryGetProperty("last_error", out _));

        Assert.That(delivery.GetProperty("last_error").GetString(), Does.Contain(words));
        Assert.That(delivery.GetProperty("state").GetString(), Is.EqualTo("pending"));
    }

    [TestCase("""{"prompt": "a", "webhook_url": "ftp://x"}""", "webhook_url")]
    [TestCase("""{"prompt": "a", "webhook_url": "http://u:p@x"}""", "webhook_url")]
    [TestCase("""{"prompt": "a", "webhook_events": ["finished"]}""", "webhook_events")]
    [TestCase("""{"prompt": "a", "webhook_url": "http://x", "webhook_events": ["done"]}""", "webhook_events")]
    public async Task Submit_WrongWebhook_NamesTheField(string body, string field)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/text2img", content);

        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("errors").TryGetProperty(field, out _));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = _api.Get<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Those who come under this name wait for the test's end.</summary>
    private void Hang(string name)
    {
        _release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _hanging = name;
    }

    private int Came(string name) => _came.GetValueOrDefault(name);

    private async Task CancelledAsync(HttpClient client, string address)
    {
        JobDocument job = await _api.SubmitAsync(new { prompt = "a", webhook_url = address }, client);
        using HttpResponseMessage answer = await client.DeleteAsync($"/v1/jobs/{job.Id}");
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task UntilAsync(Func<bool> isSo, Func<string> what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!isSo())
        {
            Assert.That(limit.IsCancellationRequested, Is.False, what);
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private (string Path, Dictionary<string, string> Headers, string Body) Next(string path)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            (string Path, Dictionary<string, string> Headers, string Body) message = _received.Take(limit.Token);
            if (message.Path == path)
            {
                return message;
            }
        }
    }

    private async Task<JsonElement> DeliveryAsync(JobId job, Func<JsonElement, bool> isRight)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            JsonElement page = await ApiScope.ReadAsync<JsonElement>(
                await _api.Client.GetAsync($"/v1/webhooks/deliveries?job={job}", limit.Token)
            );
            foreach (JsonElement delivery in page.GetProperty("data").EnumerateArray().Where(isRight))
            {
                return delivery;
            }

            await Task.Delay(50, limit.Token);
        }
    }
}
