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
            delivery = (await webhooks.TakeDueAsync(10, TimeSpan.FromMinutes(1), default)).Single();
            Assert.That(await webhooks.TakeDueAsync(10, TimeSpan.FromMinutes(1), default), Is.Empty, "one sender has it");
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
        delivery = (await webhooks.TakeDueAsync(10, TimeSpan.FromMinutes(1), default)).Single();
        await webhooks.RecordAsync(delivery, 200, null, default);
        delivery = (await webhooks.ListAsync(account, job.Id, 10, default)).Single();
        Assert.That(
            (delivery.NextAt, delivery.LastStatus, delivery.DeliveredAt is not null),
            Is.EqualTo(((DateTimeOffset?)null, 200, true))
        );
    }
}
