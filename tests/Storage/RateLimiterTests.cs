using Generation.Storage;

namespace Generation.Tests.Storage;

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

        RateDecision[] decisions = await Task.WhenAll(Enumerable.Range(0, 30).Select(
            _ => _storage.Get<RateLimiter>().TakeAsync(key, 0.5, 10, default)));

        Assert.That(decisions.Count(d => d.Allowed), Is.EqualTo(10));
        Assert.That(decisions.Where(d => d.Allowed).Select(d => d.Remaining), Is.EquivalentTo(Enumerable.Range(0, 10)));
        Assert.That(decisions.Where(d => !d.Allowed).Select(d => d.RetryAfter.TotalSeconds), Is.All.InRange(1.5, 2.0));
        Assert.That(decisions.Max(d => d.ResetAfter.TotalSeconds), Is.InRange(19.0, 20.0));
    }

    [Test]
    public async Task TakeAsync_AfterTheTimeToldToWait_IsAllowed()
    {
        string key = Guid.NewGuid().ToString();
        RateLimiter limiter = _storage.Get<RateLimiter>();
        await limiter.TakeAsync(key, 5, 1, default);
        RateDecision refused = await limiter.TakeAsync(key, 5, 1, default);

        await Task.Delay(refused.RetryAfter + TimeSpan.FromMilliseconds(5));

        Assert.That(refused.Allowed, Is.False);
        Assert.That((await limiter.TakeAsync(key, 5, 1, default)).Allowed);
    }

    [Test]
    public async Task TakeAsync_RedisAway_LetsCallsGoOn()
    {
        await using var nowhere = new RedisConnection("127.0.0.1:1");
        var limiter = new RateLimiter(nowhere, new HotStateOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<RateLimiter>.Instance);

        Assert.That((await limiter.TakeAsync("k", 1, 1, default)).Allowed);
    }
}
