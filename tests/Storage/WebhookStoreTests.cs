using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Storage.Tests;

public sealed class WebhookStoreTests
{
    private StorageScope _storage = null!;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task RecordAsync_ReceiverThatNeverAnswers_IsTriedOverHoursAndThenByHand()
    {
        var webhooks = new WebhookStore(_storage.Source, _storage.Get<KeySecret>());
        Guid account = await _storage.AccountAsync();
        NewJob job = StorageScope.NewJob(account) with { WebhookUrl = "https://example.org/hook" };
        await _storage.Jobs.SubmitAsync(job, default);
        await _storage.Jobs.CancelAsync(job.Id, null, default);
        var pauses = new List<TimeSpan>();
        WebhookDelivery delivery;
        while (true)
        {
            await _storage.ExecuteAsync($"UPDATE webhook_deliveries SET next_at = now() WHERE next_at IS NOT NULL AND job_id = '{job.Id}'");
            delivery = (await webhooks.TakeDueAsync(Turn(), default)).Single();
            Assert.That(await webhooks.TakeDueAsync(Turn(), default), Is.Empty, "one sender has it");
            DateTimeOffset recorded = DateTimeOffset.UtcNow;
            await webhooks.RecordAsync(delivery, null, "could not be reached", default);
            delivery = (await webhooks.ListAsync(account, job.Id, 10, default)).Single();
            if (delivery.NextAt is not { } next)
            {
                break;
            }

            pauses.Add(next - recorded);
        }

        Assert.That(pauses, Is.Ordered.Ascending);
        Assert.That(pauses, Has.Count.EqualTo(9));
        Assert.That(pauses.Sum(p => p.TotalHours), Is.InRange(12, 24));
        Assert.That(
            (delivery.Attempts, delivery.DeliveredAt, delivery.LastError),
            Is.EqualTo((10, (DateTimeOffset?)null, "could not be reached"))
        );

        await webhooks.RedeliverAsync(delivery.Id, account, default);
        delivery = (await webhooks.TakeDueAsync(Turn(), default)).Single();
        await webhooks.RecordAsync(delivery, 200, null, default);
        delivery = (await webhooks.ListAsync(account, job.Id, 10, default)).Single();
        Assert.That(
            (delivery.NextAt, delivery.LastStatus, delivery.DeliveredAt is not null),
            Is.EqualTo(((DateTimeOffset?)null, 200, true))
        );
    }

    [Test]
    public async Task TakeDueAsync_OneAccountHasManyDue_TakesOfEachAndOfNoneThatIsFull()
    {
        var webhooks = new WebhookStore(_storage.Source, _storage.Get<KeySecret>());
        Guid many = await _storage.AccountAsync();
        Guid few = await _storage.AccountAsync();
        for (int k = 0; k < 40; k++)
        {
            await AddDueAsync(many, $"http://many.example:8080/{k}");
        }

        await AddDueAsync(many, "HTTP://Other.example?k");
        await AddDueAsync(few, "http://few.example");

        IReadOnlyList<WebhookDelivery> taken = await webhooks.TakeDueAsync(Turn(), default);

        Assert.That(
            taken.Select(d => (d.AccountId, d.Host)),
            Is.EquivalentTo([(many, "many.example:8080"), (many, "many.example:8080"), (many, "other.example"), (few, "few.example")]),
            "two to a server, as the turn has it"
        );
        taken = await webhooks.TakeDueAsync(Turn() with { PerHost = 100, PerAccount = 16 }, default);
        Assert.That(taken.Select(d => d.AccountId), Is.EqualTo(Enumerable.Repeat(many, 16)), "of one account no more than the turn has");
        Assert.That(await webhooks.TakeDueAsync(Turn() with { FullHosts = ["many.example:8080"] }, default), Is.Empty);
        Assert.That(await webhooks.TakeDueAsync(Turn() with { FullAccounts = [many] }, default), Is.Empty);
        Assert.That(await webhooks.TakeDueAsync(Turn() with { Limit = 1 }, default), Has.Count.EqualTo(1));

        async Task AddDueAsync(Guid account, string url)
        {
            NewJob job = StorageScope.NewJob(account) with { WebhookUrl = url };
            await _storage.Jobs.SubmitAsync(job, default);
            await _storage.Jobs.CancelAsync(job.Id, null, default);
        }
    }

    [Test]
    public async Task SecretsAsync_ManyAskWhereThereIsNone_MakeOne()
    {
        var webhooks = new WebhookStore(_storage.Source, _storage.Get<KeySecret>());
        Guid account = await _storage.AccountAsync();

        IReadOnlyList<WebhookSecret>[] found = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => webhooks.SecretsAsync(account, default))
        );

        Assert.That(found.SelectMany(secrets => secrets).Select(secret => secret.Id).Distinct().Count(), Is.EqualTo(1));
    }

    private static WebhookTurn Turn() => new(100, 16, 2, [], [], TimeSpan.FromMinutes(1));
}
