using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Workers;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>The load as an API process tells it that had no part in what happened.</summary>
public sealed class LoadTests
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private static readonly ModelEntry Second = ApiScope.Demo with { Name = "second" };

    private ApiScope _api = null!;
    private HttpClient _other = null!;

    [OneTimeSetUp]
    public async Task StartApis()
    {
        _api = await ApiScope.CreateAsync();
        _other = _api.ClientOfAnotherApi();
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("w", [ApiScope.Demo, Second], 3, null), default);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!(await _api.Client.GetStringAsync("/v1/models", limit.Token)).Contains("\"second\"", StringComparison.Ordinal))
        {
            // An API knows a new model within a second
            await Task.Delay(50, limit.Token);
        }
    }

    [OneTimeTearDown]
    public async Task StopApis()
    {
        _other.Dispose();
        await _api.DisposeAsync();
    }

    [Test]
    public async Task Load_OfAnApiThatTookNoPart_ShowsEachChangePerModelWithinASecond()
    {
        JobDocument first = await _api.SubmitAsync();
        JobDocument cancelled = await _api.SubmitAsync();
        JobDocument second = await _api.SubmitAsync(new { prompt = "a pear", model = "second" });
        await AssertAsync(("demo", 2, 0, null), ("second", 1, 0, null));

        await _api.Jobs.ClaimAsync(first.Id, "w", TimeSpan.FromMinutes(10), default);
        await AssertAsync(("demo", 1, 1, null), ("second", 1, 0, null));

        await _api.FinishAsync(second.Id);
        await AssertAsync(("demo", 1, 1, null), ("second", 0, 0, 1));

        await _api.Jobs.CancelAsync(cancelled.Id, null, default);
        await AssertAsync(("demo", 0, 1, null), ("second", 0, 0, null));

        await _api.Jobs.CompleteAsync(first.Id, 1, [], default);
        await AssertAsync(("demo", 0, 0, 1), ("second", 0, 0, null));
    }

    [Test]
    public async Task Load_AskedSteadily_IsNeverOlderThanASecondAndKeptByNobody()
    {
        var times = new HashSet<DateTimeOffset>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (times.Count < 5)
        {
            DateTimeOffset asked = DateTimeOffset.UtcNow;
            using HttpResponseMessage answer = await _other.GetAsync("/v1/system/load", limit.Token);
            DateTimeOffset at = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("at").GetDateTimeOffset();

            Assert.That(asked - at, Is.LessThanOrEqualTo(MaxAge));
            Assert.That(answer.Headers.CacheControl, Is.EqualTo(new CacheControlHeaderValue { NoStore = true }));
            times.Add(at);
        }
    }

    [Test]
    public async Task Snapshot_ManyAskWhileASlowReadingIsMade_OneMoreServesThemAll()
    {
        int readings = 0;
        var begun = new TaskCompletionSource();
        var slow = new TaskCompletionSource();
        using var snapshot = new Snapshot<string>(TimeSpan.Zero, TimeProvider.System, async _ =>
        {
            int number = Interlocked.Increment(ref readings);
            begun.TrySetResult();
            await slow.Task;
            return $"{number}";
        });
        Task<string> first = snapshot.GetAsync(default).AsTask();
        await begun.Task;
        Task<string>[] others = [.. Enumerable.Range(0, 20).Select(_ => snapshot.GetAsync(default).AsTask())];

        slow.SetResult();

        Assert.That(await first, Is.EqualTo("1"));
        Assert.That(await Task.WhenAll(others), Has.All.EqualTo("2"), "begun after they asked");
    }

    /// <summary>
    /// The first answer that was taken after now has these figures, and no answer on the way is older than a second: so each
    /// change shows within a second, however long the machine takes over a call.
    /// </summary>
    private async Task AssertAsync(params (string Model, int Queued, int Running, int? Finished)[] expected)
    {
        DateTimeOffset changed = await NowAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            DateTimeOffset asked = DateTimeOffset.UtcNow;
            using HttpResponseMessage answer = await _other.GetAsync("/v1/system/load", limit.Token);
            JsonElement load = await ApiScope.ReadAsync<JsonElement>(answer);
            DateTimeOffset at = load.GetProperty("at").GetDateTimeOffset();
            Assert.That(asked - at, Is.LessThanOrEqualTo(MaxAge));
            if (at < changed)
            {
                continue;
            }

            foreach ((string model, int queued, int running, int? finished) in expected)
            {
                JsonElement figures = load.GetProperty("models").GetProperty(model);
                Assert.That((Of(figures, "queued"), Of(figures, "running")), Is.EqualTo((queued, running)), model);
                // Of the last minute: for later steps it may be over
                Assert.That(Of(figures, "throughput_per_minute"), finished is null ? Is.LessThanOrEqualTo(1) : Is.EqualTo(finished), model);
            }

            JsonElement total = load.GetProperty("total");
            Assert.That(
                (Of(total, "queued"), Of(total, "running")),
                Is.EqualTo((expected.Sum(e => e.Queued), expected.Sum(e => e.Running)))
            );
            return;
        }
    }

    private static int Of(JsonElement load, string figure) => load.GetProperty(figure).GetInt32();

    /// <summary>By the database's clock.</summary>
    private async Task<DateTimeOffset> NowAsync()
    {
        await using NpgsqlCommand command = _api.Get<NpgsqlDataSource>().CreateCommand("SELECT clock_timestamp()");
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync())!);
    }
}
