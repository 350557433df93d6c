using Generation.Storage.Redis;

namespace Generation.Storage.Tests;

public sealed class RateLimiterTests
{
    private StorageScope _storage = null!;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync(migrated: false);

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task TakeAsync_Burst_IsExactAndThenRefusedWithTheTimeToWait()
    {
        string key = Guid.NewGuid().ToString();

        RateDecision[] decisions = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(_ => _storage.Get<RateLimiter>().TakeAsync(key, 0.001, 10, isRead: false, default))
        );

        Assert.That(decisions.Count(d => d.Allowed), Is.EqualTo(10));
        Assert.That(decisions.Where(d => d.Allowed).Select(d => d.Remaining), Is.EquivalentTo(Enumerable.Range(0, 10)));
        Assert.That(
            decisions.Where(d => !d.Allowed).Select(d => d.RetryAfter.TotalSeconds),
            Is.All.InRange(900, 1000),
            "one comes free in 1000 s, so that none does while this runs"
        );
        Assert.That(decisions.Max(d => d.ResetAfter.TotalSeconds), Is.InRange(9900, 10_000));
    }

    [Test]
    public async Task TakeAsync_FromSeveralProcessesAtOnce_IsExactOverAllOfThem()
    {
        string key = Guid.NewGuid().ToString();
        await using var first = new RedisConnection(_storage.RedisAddress);
        await using var second = new RedisConnection(_storage.RedisAddress);
        RateLimiter[] limiters =
        [
            .. new[] { first, second }.Select(redis => new RateLimiter(
                redis,
                new RedisOptions { TimeoutMilliseconds = 30_000 },
                TimeProvider.System,
                Microsoft.Extensions.Logging.Abstractions.NullLogger<RateLimiter>.Instance
            )),
        ];

        RateDecision[] decisions = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(i => limiters[i % 2].TakeAsync(key, 0.01, 15, isRead: false, default))
        );

        Assert.That(decisions.Count(d => d.Allowed), Is.EqualTo(15));
        Assert.That(decisions.Where(d => d.Allowed).Select(d => d.Remaining), Is.EquivalentTo(Enumerable.Range(0, 15)));
    }

    [Test]
    public async Task TakeAsync_AfterTheTimeToldToWait_IsAllowed()
    {
        string key = Guid.NewGuid().ToString();
        RateLimiter limiter = _storage.Get<RateLimiter>();
        RateDecision decision;
        do
        {
            // Refused at the second, unless the machine stands still for half a second
            decision = await limiter.TakeAsync(key, 2, 1, isRead: false, default);
        } while (decision.Allowed);

        await Task.Delay(decision.RetryAfter + TimeSpan.FromMilliseconds(5));

        Assert.That((await limiter.TakeAsync(key, 2, 1, isRead: false, default)).Allowed);
    }

    [Test]
    public async Task TakeAsync_RedisAway_CountsWritesByItselfAndLetsReadsGoOn()
    {
        await using var nowhere = new RedisConnection("127.0.0.1:1");
        var limiter = new RateLimiter(
            nowhere,
            new RedisOptions(),
            new StandingTime(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<RateLimiter>.Instance
        );

        var writes = new List<RateDecision>();
        var reads = new List<RateDecision>();
        for (int i = 0; i < 5; i++)
        {
            writes.Add(await limiter.TakeAsync("k", 0.5, 3, isRead: false, default));
            reads.Add(await limiter.TakeAsync("k", 0.5, 3, isRead: true, default));
        }

        Assert.That(writes.Select(w => w.Allowed), Is.EqualTo(new[] { true, true, true, false, false }));
        Assert.That(writes.Select(w => w.Remaining), Is.EqualTo(new[] { 2, 1, 0, 0, 0 }));
        Assert.That(writes[^1].RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(reads.All(r => r.Allowed));
        Assert.That((await limiter.TakeAsync("another", 0.5, 3, isRead: false, default)).Allowed);
    }

    /// <summary>A clock at which no time passes.</summary>
    private sealed class StandingTime : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }
}
