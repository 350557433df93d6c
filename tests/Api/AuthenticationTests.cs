using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Tests;

public sealed class AuthenticationTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    private static IEnumerable<TestCaseData> Keys()
    {
        yield return new TestCaseData(null, "key_missing");
        yield return new TestCaseData("gk_short", "key_malformed");
        yield return new TestCaseData(ApiKey.New()[..^1] + "?", "key_malformed").SetArgDisplayNames("wrong checksum");
        yield return new TestCaseData(ApiKey.New(), "key_invalid").SetArgDisplayNames("unknown key");
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Request_WithoutAValidKey_Is401(string? key, string code)
    {
        using HttpClient client = _api.ClientWith(key);
        using HttpResponseMessage answer = await client.GetAsync("/v1/account");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Bearer"));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString(), Is.EqualTo(code));
    }

    [Test]
    public async Task Request_KeyInHeader_IsTaken()
    {
        using HttpClient client = _api.ClientWith(null);
        client.DefaultRequestHeaders.Add("X-Api-Key", _api.Key);

        using HttpResponseMessage answer = await client.GetAsync("/v1/account");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Request_RevokedKeyInConstantUse_IsRefusedWithinASecond(
        [Values("/v1/account", "/v1/jobs/")] string path,
        [Values] bool elsewhere
    )
    {
        JobDocument job = await _api.SubmitAsync();
        string address = path == "/v1/jobs/" ? path + job.Id : path;
        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [Scopes.Jobs], null, default);
        // It is revoked without the knowledge of another API process
        using HttpClient client = elsewhere ? _api.ClientOfAnotherApi(key.Key) : _api.ClientWith(key.Key);
        Assert.That((await client.GetAsync(address)).StatusCode, Is.EqualTo(HttpStatusCode.OK));

        await _api.Get<ApiKeyStore>().RevokeAsync(key.Info.Id, default);
        var limit = TimeSpan.FromSeconds(1);
        long revoked = TimeProvider.System.GetTimestamp();
        TimeSpan begun;
        HttpStatusCode status;
        do
        {
            // By when a request begins: how long it takes is the machine's matter
            begun = TimeProvider.System.GetElapsedTime(revoked);
            status = (await client.GetAsync(address)).StatusCode;
        } while (status == HttpStatusCode.OK && begun < limit);

        Assert.That(status, Is.EqualTo(HttpStatusCode.Unauthorized), $"{begun} after it was revoked");
    }

    [Test]
    public async Task Key_AfterItsUse_ShowsWhenThatWas()
    {
        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [Scopes.Read], null, default);
        using HttpClient client = _api.ClientWith(key.Key);
        Assert.That(key.Info.LastUsedAt, Is.Null);
        DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-1);
        Assert.That((await client.GetAsync("/v1/account")).StatusCode, Is.EqualTo(HttpStatusCode.OK));

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        DateTimeOffset? used;
        while (
            (used = (await _api.Get<ApiKeyStore>().ListAsync(_api.Account, limit.Token)).Single(k => k.Id == key.Info.Id).LastUsedAt)
                is null
        )
        {
            // Written for all keys together, every few seconds
            await Task.Delay(100, limit.Token);
        }

        Assert.That(used, Is.InRange(before, DateTimeOffset.UtcNow.AddSeconds(1)));
    }

    [Test]
    public async Task Request_ExpiredKey_IsRefused()
    {
        NewApiKey key = await _api.Get<ApiKeyStore>()
            .CreateAsync(_api.Account, "k", [Scopes.Jobs], DateTimeOffset.UtcNow.AddSeconds(-1), default);
        using HttpClient client = _api.ClientWith(key.Key);

        Assert.That((await client.GetAsync("/v1/account")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Submit_KeyThatMayOnlyRead_Is403()
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync(10, Scopes.Read);

        using HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" });

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString(), Is.EqualTo("scope_missing"));
        Assert.That((await client.GetAsync("/v1/jobs")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Job_OfAnotherAccount_IsNotFound()
    {
        JobDocument job = await _api.SubmitAsync();
        using HttpClient other = await _api.ClientOfNewAccountAsync();

        Assert.That((await other.GetAsync($"/v1/jobs/{job.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await other.DeleteAsync($"/v1/jobs/{job.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await other.GetAsync($"/v1/jobs/{job.Id}/outputs/0")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await _api.PollAsync(job.Id)).State, Is.EqualTo(JobState.Queued));
    }

    [Test]
    public async Task Logs_AfterRequests_HoldNoKeyAndNoPrompt()
    {
        const string Secret = "a very private prompt";
        await _api.SubmitAsync(new { prompt = Secret });
        using HttpResponseMessage bad = await _api.Client.PostAsJsonAsync("/v1/text2img", new { prompt = Secret, width = 1 });

        Assert.That(TestLog.Lines.Where(l => l.Contains(Secret) || l.Contains(_api.Key)), Is.Empty);
    }

    [Test]
    public async Task Call_ManyKeysThatAreNobodys_AreRefusedUnseenAndGoodOnesGoOn()
    {
        await using ApiScope api = await ApiScope.CreateAsync(("UnknownKeys:PerMinute", "3"));
        Assert.That((int)(await api.Client.GetAsync("/v1/models")).StatusCode, Is.EqualTo(200));
        var statuses = new List<int>();
        // A window of a minute may end between two of them
        while (!statuses.Contains(429) && statuses.Count < 100)
        {
            // A wrong checksum is seen without a look, and does not count
            using HttpClient mistyped = api.ClientWith("gk_" + new string('a', ApiKey.Length - 3));
            Assert.That((int)(await mistyped.GetAsync("/v1/models")).StatusCode, Is.EqualTo(401));
            using HttpClient nobody = api.ClientWith(ApiKey.New());
            using HttpResponseMessage answer = await nobody.GetAsync("/v1/models");
            statuses.Add((int)answer.StatusCode);
            Assert.That(answer.Headers.RetryAfter is not null, Is.EqualTo((int)answer.StatusCode == 429));
        }

        Assert.That(statuses.Take(3), Is.All.EqualTo(401));
        Assert.That(statuses, Has.Some.EqualTo(429));
        // No longer remembered from its last call
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.That((int)(await api.Client.GetAsync("/v1/models")).StatusCode, Is.EqualTo(200));
    }

    /// <summary>A key in constant use is read ahead of time, for longer than a good key is remembered beside unknown ones.</summary>
    [Test]
    public async Task Find_KeyThatIsReadAheadOfTime_StaysGoodWhereItsAddressIsNot()
    {
        var address = IPAddress.Parse("203.0.113.7");
        var clock = new Clock();
        var slowClock = new Clock();
        using var unknown = new UnknownKeys(Options.Create(new UnknownKeyOptions { PerMinute = 1 }), slowClock);
        using var callers = new CallerDirectory(_api.Get<ApiKeyStore>(), unknown, clock, NullLogger<CallerDirectory>.Instance);
        Assert.That(await callers.FindAsync(_api.Key, address, default), Is.Not.Null);

        foreach (double seconds in (double[])[0.5, 0.42])
        {
            slowClock.Now += TimeSpan.FromMinutes(9);
            clock.Now += TimeSpan.FromSeconds(seconds);
            Assert.That(callers.TryFind(_api.Key, out _), "it is remembered, and read anew meanwhile");
            clock.Now += TimeSpan.FromSeconds(0.35);
            Assert.That(() => callers.TryFind(_api.Key, out _), Is.True.After(60_000, 5), "it was read anew");
        }

        clock.Now += TimeSpan.FromMinutes(1);
        unknown.Count(KeyDigest.Of("another"), address);
        Assert.That(() => unknown.Check(KeyDigest.Of("another"), address), Throws.InstanceOf<ProblemException>());
        Assert.That(await callers.FindAsync(_api.Key, address, default), Is.Not.Null);
    }

    [Test]
    public async Task Find_DatabaseThatDoesNotAnswer_CountsNoKeyAsUnknown()
    {
        var address = IPAddress.Parse("203.0.113.8");
        using var unknown = new UnknownKeys(Options.Create(new UnknownKeyOptions { PerMinute = 1 }), TimeProvider.System);
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Timeout=5");
        using var callers = new CallerDirectory(
            new ApiKeyStore(nowhere, _api.Get<KeySecret>()),
            unknown,
            TimeProvider.System,
            NullLogger<CallerDirectory>.Instance
        );

        for (int call = 0; call < 3; call++)
        {
            Assert.That(async () => await callers.FindAsync(ApiKey.New(), address, default), Throws.InstanceOf<NpgsqlException>());
        }

        Assert.That(() => unknown.Check(KeyDigest.Of("another"), address), Throws.Nothing);
    }

    /// <summary>A clock that stands until it is set.</summary>
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
