using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Generation.Storage.Tests;

public sealed class HotStateTests
{
    private StorageScope _storage = null!;
    private Guid _account;

    private HotState Hot => _storage.Get<HotState>();

    [OneTimeSetUp]
    public async Task CreateStorage()
    {
        _storage = await StorageScope.CreateAsync();
        _account = await _storage.AccountAsync(1000);
    }

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task Show_OlderRevisionAfterNewer_IsIgnored()
    {
        JobRow old = await _storage.SubmitAsync(_account);
        await _storage.ClaimAsync(old.Id);
        JobRow now = await _storage.FindAsync(old.Id);
        Hot.Show(now);

        Hot.Show(old);

        HotJob hot = await EventuallyAsync(old.Id, h => h.Revision == now.Revision);
        Assert.That((hot.State, hot.Account), Is.EqualTo((JobState.Running, _account)));
        Assert.That((await EventuallyAsync(old.Id, _ => true)).Revision, Is.EqualTo(now.Revision));
    }

    [Test]
    public async Task ShowProgress_OfAWorkerThatLostItsLease_IsIgnored()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        ClaimedJob first = await _storage.ClaimAsync(row.Id);
        await _storage.LapseAsync(row.Id);
        await _storage.Jobs.RescueAsync(3, default);
        ClaimedJob second = await _storage.ClaimAsync(row.Id, "w2");
        Hot.ShowProgress(row.Id, second.LeaseEpoch, new JobProgress(2, 25));

        Hot.ShowProgress(row.Id, first.LeaseEpoch, new JobProgress(20, 25));
        Hot.ShowProgress(row.Id, second.LeaseEpoch, new JobProgress(3, 25));

        HotJob hot = await EventuallyAsync(row.Id, h => h.Progress?.Step is 3 or 20);
        Assert.That(hot.Progress, Is.EqualTo(new JobProgress(3, 25)));
    }

    [Test]
    public async Task ShowProgress_OfAnEarlierStep_IsIgnored()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        ClaimedJob claim = await _storage.ClaimAsync(row.Id);
        Hot.ShowProgress(row.Id, claim.LeaseEpoch, new JobProgress(7, 25));
        Hot.ShowProgress(row.Id, claim.LeaseEpoch, new JobProgress(6, 25));
        Hot.Show(await _storage.FindAsync(row.Id));

        HotJob hot = await EventuallyAsync(row.Id, h => h.State == JobState.Running && h.Progress is not null);
        Assert.That(hot.Progress, Is.EqualTo(new JobProgress(7, 25)));

        // One connection carries them in order: both were seen when this one is
        Hot.ShowProgress(row.Id, claim.LeaseEpoch, new JobProgress(8, 25));
        Assert.That((await EventuallyAsync(row.Id, h => h.Progress?.Step != 7)).Progress, Is.EqualTo(new JobProgress(8, 25)));
    }

    [Test]
    public async Task ShowProgress_AfterTheEnd_IsIgnored()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        ClaimedJob claim = await _storage.ClaimAsync(row.Id);
        await _storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [], default);
        await EventuallyAsync(row.Id, h => h.State == JobState.Succeeded);

        Hot.ShowProgress(row.Id, claim.LeaseEpoch, new JobProgress(20, 25));
        Hot.Show(await _storage.FindAsync(row.Id));

        HotJob hot = await EventuallyAsync(row.Id, _ => true);
        Assert.That((hot.State, hot.Progress), Is.EqualTo((JobState.Succeeded, (JobProgress?)null)));
    }

    [Test]
    public async Task SubscribeAsync_Change_IsTold()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        await EventuallyAsync(row.Id, _ => true);
        using var changed = new SemaphoreSlim(0);
        await using IAsyncDisposable subscription = await Hot.SubscribeAsync(row.Id, () => changed.Release(), default);

        await _storage.ClaimAsync(row.Id);

        Assert.That(await changed.WaitAsync(TimeSpan.FromMinutes(2)));
    }

    [Test]
    public async Task Show_RedisForgotTheScripts_IsShownAllTheSame()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        await EventuallyAsync(row.Id, h => h.State == JobState.Queued);
        IDatabase redis = await _storage.Get<RedisConnection>().DatabaseAsync(default);

        await redis.ExecuteAsync("SCRIPT", "FLUSH");
        await _storage.ClaimAsync(row.Id);

        await EventuallyAsync(row.Id, h => h.State == JobState.Running);
    }

    [Test]
    public async Task Show_ComesLate_IsWithdrawnSinceRedisMayHaveForgottenTheNewer()
    {
        JobRow old = await _storage.SubmitAsync(_account);
        await _storage.ClaimAsync(old.Id);
        await EventuallyAsync(old.Id, h => h.State == JobState.Running);
        await using var connection = new RedisConnection(_storage.RedisAddress + ",allowAdmin=true");
        var hot = new HotState(connection, new RedisOptions(), NullLogger<HotState>.Instance);
        IDatabase redis = await connection.DatabaseAsync(default);
        string key = (string)(await redis.ScriptEvaluateAsync("return redis.call('KEYS', ARGV[1])[1]", [], [$"*job:{old.Id}"]))!;
        await redis.KeyDeleteAsync(key);

        // Writes wait for so long, as they do for a connection that is being made again
        await redis.ExecuteAsync("CLIENT", "PAUSE", "1500", "WRITE");
        hot.Show(old);
        await redis.ExecuteAsync("SET", key + ":late", "1", "EX", "60");

        // One connection carries both in order: the old one has been shown
        while (await redis.KeyExistsAsync(key))
        {
            await Task.Delay(10);
        }

        Assert.That(await Hot.FindAsync(old.Id, default), Is.Null);
    }

    [Test]
    public async Task ShowProgress_ConnectionBreaks_IsTriedAgain()
    {
        JobRow row = await _storage.SubmitAsync(_account);
        ClaimedJob claim = await _storage.ClaimAsync(row.Id);
        await EventuallyAsync(row.Id, h => h.State == JobState.Running);
        await using var connection = new RedisConnection(_storage.RedisAddress + ",allowAdmin=true");
        var hot = new HotState(connection, new RedisOptions(), NullLogger<HotState>.Instance);
        IDatabase redis = await connection.DatabaseAsync(default);

        // Redis answers, then closes the connection
        await redis.ExecuteAsync("CLIENT", "KILL", "ID", (long)await redis.ExecuteAsync("CLIENT", "ID"), "SKIPME", "no");
        hot.ShowProgress(row.Id, claim.LeaseEpoch, new JobProgress(7, 25));

        await EventuallyAsync(row.Id, h => h.Progress?.Step == 7);
    }

    [Test]
    public async Task FindAsync_RedisAway_AnswersNullByItself()
    {
        await using var nowhere = new RedisConnection("127.0.0.1:1");
        var hot = new HotState(nowhere, new RedisOptions { TimeoutMilliseconds = 200 }, NullLogger<HotState>.Instance);
        // It ends by itself: a call that waited for Redis would end with the token, by an exception
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));

        Assert.That(await hot.FindAsync(JobId.New(TimeProvider.System), limit.Token), Is.Null);
    }

    private async Task<HotJob> EventuallyAsync(JobId id, Func<HotJob, bool> isRight)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            if (await Hot.FindAsync(id, limit.Token) is { } hot && isRight(hot))
            {
                return hot;
            }

            await Task.Delay(5, limit.Token);
        }
    }
}
