using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>How many jobs wait, where there are more than are counted one by one.</summary>
public sealed class LoadReaderTests
{
    private const int CountLimit = 4000;

    private StorageScope _storage = null!;

    [SetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [TearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task ReadAsync_MoreThanAreCounted_TotalIsExactAndSharesAreClose()
    {
        Guid account = await _storage.AccountAsync();
        await FillAsync(account, 39_000, minutesAgo: 60, "usual", "usual", "second", "usual");
        await FillAsync(account, 7, minutesAgo: 90, "rare");

        SystemLoad sampled = await ReadAsync(CountLimit);
        SystemLoad counted = await ReadAsync(1_000_000);

        Assert.That(Of(counted, "usual").Queued, Is.EqualTo(29_250));
        Assert.That(sampled.Models.Sum(m => m.Queued), Is.EqualTo(39_007).Within(1), "rounding");
        foreach (ModelLoad exact in counted.Models)
        {
            ModelLoad load = Of(sampled, exact.Model);
            double percent = exact.Model == "rare" ? 0 : 15;
            Assert.That((double)load.Queued, Is.EqualTo((double)exact.Queued).Within(percent).Percent, exact.Model);
            Assert.That(load.QueuedSeconds, Is.EqualTo(exact.QueuedSeconds).Within(percent).Percent, exact.Model);
            Assert.That((double)load.QueuedKnown, Is.EqualTo((double)exact.QueuedKnown).Within(percent).Percent, exact.Model);
            Assert.That(load.OldestQueuedAt!.Value, Is.EqualTo(exact.OldestQueuedAt!.Value).Within(TimeSpan.FromMinutes(1)), exact.Model);
        }
    }

    [Test]
    public async Task ReadAsync_OneModelsLargeBacklog_IsExactInWhatWaitsAndWhatRuns()
    {
        Guid account = await _storage.AccountAsync();
        await FillAsync(account, 20_000, minutesAgo: 60, "demo");
        JobRow job = await _storage.SubmitAsync(account);
        await _storage.SubmitAsync(account);
        await _storage.ClaimAsync(job.Id);

        ModelLoad load = (await ReadAsync(CountLimit)).Models.Single();

        Assert.That((load.Queued, load.Running), Is.EqualTo((20_001, 1)));
    }

    private Task<SystemLoad> ReadAsync(int countLimit) => new LoadReader(_storage.Source, countLimit).ReadAsync(default);

    private static ModelLoad Of(SystemLoad load, string model) => load.Models.Single(m => m.Model == model);

    /// <summary>
    /// Rows of so many waiting jobs of these models in turn, of one in three it is known how long they run, with ids of their time.
    /// </summary>
    private Task FillAsync(Guid account, int count, int minutesAgo, params string[] models) =>
        _storage.ExecuteAsync(
            $"""
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, seconds)
            SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1,
            3) || '8' || substr(md5(i::text), 4, 15))::uuid,
                '{account}', (string_to_array('{string.Join(
                ',',
                models
            )}', ','))[1 + i % {models.Length}], i % 3, at, CASE WHEN i % 3 = 0 THEN 5 + i % 7 END
            FROM generate_series(1, {count}) AS i,
            LATERAL (SELECT now() - interval '{minutesAgo} minutes' + i * interval '10 ms' AS at) AS t;
            UPDATE accounts SET open_jobs = open_jobs + {count} WHERE id = '{account}'
            """
        );
}
