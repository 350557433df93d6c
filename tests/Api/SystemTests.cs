using System.Net;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Workers;
using Microsoft.Extensions.Options;

namespace Generation.Api.Tests;

public sealed class SystemTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public void Bus_TellsNobodyHowItIsUsed() =>
        Assert.That(_api.Get<IOptions<MassTransit.UsageTelemetryOptions>>().Value.Enabled, Is.False);

    [Test]
    public async Task Start_ResultsFolderThatCannotBe_IsNotReadyAndSaysWhatToDo()
    {
        await using ApiScope api = await ApiScope.CreateAsync(("Results:Path", "/dev/null/results"));

        using HttpClient operators = await api.ClientOfNewAccountAsync(0, Scopes.Admin);
        using HttpResponseMessage ready = await operators.GetAsync("/readyz");
        JsonElement toStrangers = await ApiScope.ReadAsync<JsonElement>(await api.Client.GetAsync("/readyz"));
        using var file = new ByteArrayContent(
            Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
        );
        using HttpResponseMessage upload = await api.Client.PostAsync("/v1/uploads", file);

        JsonElement results = (await ApiScope.ReadAsync<JsonElement>(ready)).GetProperty("checks").GetProperty("results");
        Assert.That((int)ready.StatusCode, Is.EqualTo(503));
        Assert.That(results.GetProperty("status").GetString(), Is.EqualTo("failing"));
        Assert.That(results.GetProperty("detail").GetString(), Does.Contain("/dev/null/results").And.Contain("Results:Path"));
        Assert.That(toStrangers.ToString(), Does.Contain("failing").And.Not.Contain("/dev/null").And.Not.Contain("detail"));
        Assert.That((int)upload.StatusCode, Is.EqualTo(503));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(upload)).GetProperty("code").GetString(), Is.EqualTo("results_unavailable"));
        Assert.That(
            () => TestLog.Lines,
            Has.Some.Contains("No results can be stored. Nothing can be written to the results folder /dev/null/results").After(30_000, 100)
        );
        // All that needs no file goes on
        await api.SubmitAsync();
    }

    [Test]
    public async Task Load_JobsAndAWorker_ShowsBoth()
    {
        JobDocument running = await _api.SubmitAsync();
        await _api.SubmitAsync();
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("w", [ApiScope.Demo], 2, null), default);
        await _api.Jobs.ClaimAsync(running.Id, "w", TimeSpan.FromMinutes(1), default);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        JsonElement load;
        do
        {
            await _api.Get<WorkerRegistry>().HeartbeatAsync("w", [], default);
            load = await JsonAsync("/v1/system/load");
            await Task.Delay(20, limit.Token);
        } while (
            load.GetProperty("total").GetProperty("running").GetInt32() != 1
            || load.GetProperty("total").GetProperty("workers").GetInt32() != 1
        );

        JsonElement demo = load.GetProperty("models").GetProperty("demo");
        Assert.That(demo.GetProperty("slots").GetInt32(), Is.EqualTo(2));
        Assert.That(demo.GetProperty("free_slots").GetInt32(), Is.EqualTo(1));
        Assert.That(demo.GetProperty("queued").GetInt32(), Is.EqualTo(1));
        Assert.That(demo.GetProperty("wait_seconds").GetDouble(), Is.GreaterThanOrEqualTo(0));
        await _api.Get<WorkerRegistry>().RemoveAsync("w", default);
    }

    [Test]
    public async Task Models_Registered_AreListedWithLimits()
    {
        JsonElement model = (await JsonAsync("/v1/models")).GetProperty("data")[0];
        JsonElement scheduler = (await JsonAsync("/v1/schedulers")).GetProperty("data")[0];

        Assert.That(model.GetProperty("name").GetString(), Is.EqualTo("demo"));
        Assert.That(model.GetProperty("max_side").GetInt32(), Is.EqualTo(1024));
        Assert.That(model.GetProperty("kinds")[0].GetString(), Is.EqualTo("text2img"));
        Assert.That(scheduler.GetProperty("name").GetString(), Is.EqualTo("ddim"));
    }

    [Test]
    public async Task Account_AfterAJob_ShowsMoneyAndItsHistory()
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync(10);
        JobDocument job = await _api.SubmitAsync(client: client);
        await _api.FinishAsync(job.Id);

        JsonElement account = await JsonAsync("/v1/account", client);
        JsonElement[] entries = [.. (await JsonAsync("/v1/account/transactions", client)).GetProperty("data").EnumerateArray()];

        decimal cost = job.Cost.Held.Value;
        Assert.That(account.GetProperty("balance").GetDecimal(), Is.EqualTo(10 - cost));
        Assert.That(account.GetProperty("held").GetDecimal(), Is.Zero);
        Assert.That(entries.Select(e => e.GetProperty("entry").GetString()), Is.EqualTo(new[] { "charge", "hold", "grant" }));
        Assert.That(entries[1].GetProperty("amount").GetDecimal(), Is.EqualTo(-cost));
        Assert.That(entries[0].GetProperty("job").GetString(), Is.EqualTo(job.Id.ToString()));
    }

    [Test]
    public async Task Health_ServersThere_IsReady()
    {
        using HttpClient client = _api.ClientWith(null);
        Assert.That((await client.GetAsync("/healthz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        HttpResponseMessage ready;
        while ((ready = await client.GetAsync("/readyz")).StatusCode != HttpStatusCode.OK)
        {
            await Task.Delay(50, limit.Token);
        }

        JsonElement answer = await ApiScope.ReadAsync<JsonElement>(ready);
        Assert.That(
            answer.GetProperty("checks").EnumerateObject().Select(c => c.Name),
            Does.Contain("postgres").And.Contain("rabbitmq").And.Contain("redis").And.Contain("results")
        );
    }

    [Test]
    public async Task Metrics_AfterAJob_CountIt()
    {
        await _api.SubmitAsync();
        using HttpClient client = _api.ClientWith(null);

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        string text;
        while (
            !(text = await client.GetStringAsync("/metrics", limit.Token)).Contains(
                "generation_queued_jobs{model=\"demo\"}",
                StringComparison.Ordinal
            )
        )
        {
            // The load is read twice a second
            await Task.Delay(50, limit.Token);
        }

        using HttpClient operators = await _api.ClientOfNewAccountAsync(0, Scopes.Admin);
        Assert.That(text, Does.Match("generation_jobs_submitted_total\\{model=\"demo\",kind=\"text2img\"\\} [1-9]"));
        Assert.That(text, Does.Contain("http_server_request_duration_seconds").And.Not.Contain("db_client").And.Not.Contain("127.0.0.1"));
        Assert.That(await operators.GetStringAsync("/metrics"), Does.Contain("db_client_connection"));
    }

    [TestCase("/v1/text2img")]
    [TestCase("/v1/img2img")]
    [TestCase("/v1/admin/accounts/{id}/credits")]
    public async Task OpenApi_CallThatIsDoneOnceByItsKey_HasTheHeader(string path)
    {
        JsonElement api = JsonSerializer.Deserialize<JsonElement>(await _api.Client.GetStringAsync("/openapi/v1.json"));

        JsonElement parameters = api.GetProperty("paths").GetProperty(path).GetProperty("post").GetProperty("parameters");

        Assert.That(
            parameters.EnumerateArray().Select(p => (p.GetProperty("in").GetString(), p.GetProperty("name").GetString())),
            Has.One.EqualTo(("header", "Idempotency-Key"))
        );
    }

    [Test]
    public async Task OpenApi_Document_DescribesCallsFieldsAndKeys()
    {
        using HttpClient client = _api.ClientWith(null);
        using HttpResponseMessage description = await client.GetAsync("/openapi/v1.json");
        JsonElement api = await ApiScope.ReadAsync<JsonElement>(description);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        again.Headers.IfNoneMatch.Add(description.Headers.ETag!);
        Assert.That((await client.SendAsync(again)).StatusCode, Is.EqualTo(HttpStatusCode.NotModified), "it is made once");

        Assert.That(
            api.GetProperty("paths").EnumerateObject().Select(p => p.Name),
            Does.Contain("/v1/text2img").And.Contain("/v1/jobs/{id}")
        );
        Assert.That(
            api.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(s => s.Name),
            Is.EquivalentTo(new[] { "key", "header" })
        );
        JsonElement body = api.GetProperty("components").GetProperty("schemas").GetProperty("Text2ImgBody");
        Assert.That(
            body.GetProperty("properties").EnumerateObject().Select(p => p.Name),
            Does.Contain("num_inference_steps").And.Contain("prompt")
        );
        foreach (JsonProperty path in api.GetProperty("paths").EnumerateObject())
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject())
            {
                Assert.That(operation.Value.TryGetProperty("summary", out _), $"{operation.Name} {path.Name} has a summary");
                // Whether one is signed in may be asked, and ended, by whoever comes
                bool isForAll = path.Name == "/v1/session" && operation.Name is ("get" or "delete");
                Assert.That(
                    isForAll || operation.Value.GetProperty("responses").TryGetProperty("401", out _),
                    $"{operation.Name} {path.Name} tells of 401"
                );
            }
        }
    }

    [Test]
    public async Task Docs_Page_IsThere()
    {
        using HttpClient client = _api.ClientWith(null);

        Assert.That(await client.GetStringAsync("/docs/index.html"), Does.Contain("swagger"));
    }

    private async Task<JsonElement> JsonAsync(string path, HttpClient? client = null) =>
        await ApiScope.ReadAsync<JsonElement>(await (client ?? _api.Client).GetAsync(path));
}
