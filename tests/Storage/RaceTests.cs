using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>Two at once: one wins, and the books are right.</summary>
public sealed class RaceTests
{
    private const int Rounds = 25;

    private StorageScope _storage = null!;
    private Guid _account;

    [OneTimeSetUp]
    public async Task CreateStorage()
    {
        _storage = await StorageScope.CreateAsync();
        _account = await _storage.AccountAsync(1000);
    }

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [TearDown]
    public async Task CheckBooks() => Assert.That((await _storage.Ledger.CheckAsync(default)).IsRight);

    [Test]
    public async Task ClaimAsync_ManyWorkersAtOnce_OneWins()
    {
        for (int round = 0; round < Rounds; round++)
        {
            JobRow row = await _storage.SubmitAsync(_account);

            ClaimedJob?[] claims = await Task.WhenAll(
                Enumerable.Range(0, 8).Select(i => Task.Run(() => _storage.Jobs.ClaimAsync(row.Id, $"w{i}", StorageScope.Lease, default)))
            );

            Assert.That(claims.Count(c => c is not null), Is.EqualTo(1));
            Assert.That((await _storage.FindAsync(row.Id)).Attempt, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task CancelAsync_AgainstComplete_EndsInOneStateChargedOnceOrNot()
    {
        for (int round = 0; round < Rounds; round++)
        {
            JobRow row = await _storage.SubmitAsync(_account);
            ClaimedJob claim = await _storage.ClaimAsync(row.Id);

            Task<CancelResult> cancel = Task.Run(() => _storage.Jobs.CancelAsync(row.Id, _account, default));
            Task<FencedOutcome> complete = Task.Run(() =>
                _storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [StorageScope.Output()], default)
            );
            await Task.WhenAll(cancel, complete);

            if (await complete == FencedOutcome.CancelRequested)
            {
                Assert.That((await cancel).Outcome, Is.EqualTo(CancelOutcome.Requested));
                await _storage.Jobs.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 1, default);
            }

            JobRow now = await _storage.FindAsync(row.Id);
            Assert.That(now.State, Is.EqualTo(await complete == FencedOutcome.Done ? JobState.Succeeded : JobState.Cancelled));
            Assert.That(now.Outputs, Has.Count.EqualTo(now.State == JobState.Succeeded ? 1 : 0));
        }
    }

    [Test]
    public async Task CancelAsync_AgainstClaim_NeverLeavesAnUncancelledJob()
    {
        for (int round = 0; round < Rounds; round++)
        {
            JobRow row = await _storage.SubmitAsync(_account);

            Task<CancelResult> cancel = Task.Run(() => _storage.Jobs.CancelAsync(row.Id, _account, default));
            Task<ClaimedJob?> claim = Task.Run(() => _storage.Jobs.ClaimAsync(row.Id, "w", StorageScope.Lease, default));
            await Task.WhenAll(cancel, claim);

            JobRow now = await _storage.FindAsync(row.Id);
            Assert.That(now.CancelRequested);
            Assert.That(now.State, Is.EqualTo(await claim is null ? JobState.Cancelled : JobState.Running));
            Assert.That(await _storage.IsInOutboxAsync(row.Id), Is.False);
            if (await claim is { } won)
            {
                await _storage.Jobs.ConfirmCancelAsync(row.Id, won.LeaseEpoch, 0, default);
            }
        }
    }

    [Test]
    public async Task CompleteAsync_AgainstRescue_OneOfThemWins()
    {
        for (int round = 0; round < Rounds; round++)
        {
            JobRow row = await _storage.SubmitAsync(_account);
            ClaimedJob claim = await _storage.ClaimAsync(row.Id);
            await _storage.LapseAsync(row.Id);

            Task<RescueResult> rescue = Task.Run(() => _storage.Jobs.RescueAsync(3, default));
            Task<FencedOutcome> complete = Task.Run(() =>
                _storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [StorageScope.Output()], default)
            );
            await Task.WhenAll(rescue, complete);

            JobRow now = await _storage.FindAsync(row.Id);
            Assert.That(now.State, Is.EqualTo(await complete == FencedOutcome.Done ? JobState.Succeeded : JobState.Queued));
            Assert.That(await _storage.IsInOutboxAsync(row.Id), Is.EqualTo(now.State == JobState.Queued));
        }
    }

    [Test]
    public async Task SubmitAsync_ManyAtOnceOnSmallBalance_NeverOverdraws()
    {
        Guid poor = await _storage.AccountAsync(5);

        SubmitResult[] results = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => Task.Run(() => _storage.Jobs.SubmitAsync(StorageScope.NewJob(poor), default)))
        );

        Assert.That(results.Count(r => r.Outcome == SubmitOutcome.Queued), Is.EqualTo(5));
        Account account = (await _storage.Get<AccountStore>().FindAsync(poor, default))!;
        Assert.That((account.Balance, account.Held), Is.EqualTo((Credits.Zero, Credits.Of(5))));
    }

    [Test]
    public async Task TakeAsync_TwoDispatchersAtOnce_TakeEachRowOnce()
    {
        var ids = new HashSet<JobId>();
        for (int i = 0; i < 40; i++)
        {
            NewJob job = StorageScope.NewJob(_account, model: "race");
            ids.Add((await _storage.Jobs.SubmitAsync(job, default)).Job!.Id);
        }

        Outbox outbox = _storage.Get<Outbox>();
        IReadOnlyList<OutboxEntry>[] taken = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => outbox.TakeAsync("race", 5, null, default)))
        );

        JobId[] all = [.. taken.SelectMany(t => t.Select(e => e.JobId))];
        Assert.That(all, Is.Unique);
        while (all.Length < 40)
        {
            all = [.. all, .. (await outbox.TakeAsync("race", 5, null, default)).Select(e => e.JobId)];
        }

        Assert.That(all, Is.EquivalentTo(ids));
    }
}
