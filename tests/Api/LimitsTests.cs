using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Tests;

public sealed class LimitsTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("""{"pixels": 10000}""", "pixels")]
    [TestCase("""{"steps": 10}""", "steps")]
    [TestCase("""{"outputs": 1}""", "outputs")]
    [TestCase("""{"queued_jobs": 0}""", "queued_jobs")]
    public async Task Submit_AboveAnAccountsLimit_Is429WithItsName(string limits, string name)
    {
        using HttpClient client = await ClientAsync(limits);

        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/v1/text2img",
            new { prompt = "a", num_images = name == "outputs" ? 2 : 1 }
        );

        JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That((int)answer.StatusCode, Is.EqualTo(429));
        Assert.That(problem.GetProperty("code").GetString(), Is.EqualTo("limit_exceeded"));
        Assert.That(problem.GetProperty("limit").GetString(), Is.EqualTo(name));
    }

    [Test]
    public async Task Submit_QueueFilledByManyAtOnce_StopsExactlyAtTheLimit()
    {
        using HttpClient client = await ClientAsync("""{"queued_jobs": 5}""");

        HttpResponseMessage[] answers = await Task.WhenAll(
            Enumerable.Range(0, 15).Select(_ => client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" }))
        );

        Assert.That(answers.Count(a => (int)a.StatusCode == 202), Is.EqualTo(5));
        Assert.That(answers.Count(a => (int)a.StatusCode == 429), Is.EqualTo(10));
        Assert.That((await _api.Get<Ledger>().CheckAsync(default)).IsRight);
    }

    [Test]
    public async Task Requests_FasterThanTheRate_Are429WithRetryAfterRightToTheSecond()
    {
        // One in 1000 s: while this test runs no other comes free
        using HttpClient client = await ClientAsync("""{"requests_per_second": 0.001, "burst": 2}""");
        long start = TimeProvider.System.GetTimestamp();
        var answers = new List<HttpResponseMessage>();
        for (int i = 0; i < 4; i++)
        {
            answers.Add(await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" }));
        }

        Assert.That(answers.Select(a => (int)a.StatusCode), Is.EqualTo(new[] { 202, 202, 429, 429 }));
        double passed = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        Assert.That(answers[2].Headers.RetryAfter!.Delta!.Value.TotalSeconds, Is.InRange(Math.Floor(1000 - passed), 1000));
        Assert.That(answers[0].Headers.GetValues("RateLimit-Remaining").Single(), Is.EqualTo("1"));
        Assert.That((await client.GetAsync("/v1/account")).IsSuccessStatusCode, "looking is not limited here");
    }

    [Test]
    public async Task Requests_AfterTheTimeToldToWait_AreTaken()
    {
        using HttpClient client = await ClientAsync("""{"requests_per_second": 0.5, "burst": 1}""");
        HttpResponseMessage answer;
        do
        {
            // Refused at the second, unless the machine stands still for two seconds
            answer = await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" });
        } while (answer.StatusCode == HttpStatusCode.Accepted);

        Assert.That((int)answer.StatusCode, Is.EqualTo(429));
        await Task.Delay(answer.Headers.RetryAfter!.Delta!.Value);
        Assert.That((int)(await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" })).StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task Polls_OfAnAccountWithALimitOnReads_Are429WithItsName()
    {
        using HttpClient client = await ClientAsync("""{"reads_per_second": 0.1}""");
        JobDocument job = await _api.SubmitAsync(client: client);

        Assert.That((int)(await client.GetAsync($"/v1/jobs/{job.Id}")).StatusCode, Is.EqualTo(200));
        using HttpResponseMessage answer = await client.GetAsync($"/v1/jobs/{job.Id}");

        Assert.That((int)answer.StatusCode, Is.EqualTo(429));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("limit").GetString(), Is.EqualTo("reads_per_second"));
    }

    private async Task<HttpClient> ClientAsync(string limits)
    {
        Account account = (await _api.Get<AccountStore>().CreateAsync(Guid.NewGuid().ToString(), Credits.Of(10), default))!;
        await using (
            Npgsql.NpgsqlCommand set = _api.Get<Npgsql.NpgsqlDataSource>()
                .CreateCommand("UPDATE accounts SET limits = $1::jsonb WHERE id = $2")
        )
        {
            set.Parameters.Add(new Npgsql.NpgsqlParameter { Value = limits });
            set.Parameters.Add(new Npgsql.NpgsqlParameter { Value = account.Id });
            await set.ExecuteNonQueryAsync();
        }

        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(account.Id, "k", [Scopes.Jobs], null, default);
        HttpClient client = _api.ClientWith(null);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Key);
        return client;
    }
}
