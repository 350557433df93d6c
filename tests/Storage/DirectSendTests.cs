using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Npgsql;

namespace Generation.Storage.Tests;

/// <summary>Jobs that go past the backlog: exactly those that a dispatcher would send at once.</summary>
public sealed class DirectSendTests
{
    private readonly ConcurrentBag<JobId> _begun = [];
    private StorageScope _storage = null!;
    private string _model = "";

    private Outbox Outbox => _storage.Get<Outbox>();

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [SetUp]
    public void NameModel()
    {
        _model = Guid.NewGuid().ToString("N");
        _begun.Clear();
    }

    [Test]
    public async Task SubmitAsync_RoomAndNothingWaits_IsSentByItsCallerAlone()
    {
        await WorkerAsync(slots: 4);

        SubmitResult result = await SubmitAsync(await _storage.AccountAsync());

        Assert.That((result.IsSent, result.Job!.Place!.Position), Is.EqualTo((true, 1)));
        Assert.That(_begun, Is.EqualTo([result.Job.Id]));
        Assert.That(await Outbox.TakeAsync(_model, 10, null, default), Is.Empty, "no dispatcher sends it, too");
        Assert.That((await WindowAsync()).InFlight, Is.EqualTo(1));
    }

    [Test]
    public async Task SubmitAsync_SenderDies_IsFoundByADispatcher()
    {
        await WorkerAsync(slots: 4);
        SubmitResult result = await SubmitAsync(await _storage.AccountAsync());

        IReadOnlyList<OutboxEntry> overdue = await Outbox.TakeOverdueAsync(_model, TimeSpan.Zero, 10, default);

        Assert.That(overdue.Select(e => e.JobId), Is.EqualTo([result.Job!.Id]));
    }

    [Test]
    public async Task SubmitAsync_OthersWait_WaitsBehindThem()
    {
        Guid account = await _storage.AccountAsync();
        await _storage.Jobs.SubmitAsync(StorageScope.NewJob(account, model: _model), default);
        await WorkerAsync(slots: 4);

        SubmitResult result = await SubmitAsync(account);

        Assert.That((result.Outcome, result.IsSent), Is.EqualTo((SubmitOutcome.Queued, false)));
        Assert.That(_begun, Is.Empty);
        Assert.That((await WindowAsync()).Waiting, Is.EqualTo(2));
    }

    [Test]
    public async Task SubmitAsync_NoLiveWorker_Waits()
    {
        await WorkerAsync(slots: 4);
        await _storage.Get<WorkerRegistry>().DrainAsync(_model, true, default);

        Assert.That((await SubmitAsync(await _storage.AccountAsync())).IsSent, Is.False);
    }

    [Test]
    public async Task SubmitAsync_WindowFull_Waits()
    {
        await WorkerAsync(slots: 2);
        Guid account = await _storage.AccountAsync();
        int room = (await WindowAsync()).Room;

        var results = new List<SubmitResult>();
        for (int i = 0; i <= room; i++)
        {
            results.Add(await SubmitAsync(account));
        }

        Assert.That(results.Select(r => r.IsSent), Is.EqualTo(Enumerable.Range(0, room + 1).Select(i => i < room)));
        Assert.That(results.Take(room).Select(r => r.Job!.Place!.Position), Is.EqualTo(Enumerable.Range(1, room)));
    }

    [Test]
    public async Task SubmitAsync_SlotsTakenByRunningJobs_CountAsTheDispatcherCounts()
    {
        await WorkerAsync(slots: 2);
        Guid account = await _storage.AccountAsync();
        for (int i = 0; i < 2; i++)
        {
            SubmitResult running = await SubmitAsync(account);
            await _storage.Jobs.ClaimAsync(running.Job!.Id, _model, StorageScope.Lease, default);
        }

        Assert.That((await WindowAsync()).Room, Is.EqualTo(1));
        Assert.That((await SubmitAsync(account)).IsSent, Is.True);
        Assert.That((await SubmitAsync(account)).IsSent, Is.False);
    }

    [Test]
    public async Task SubmitAsync_AccountHasAsManyRunningAsItMay_Waits()
    {
        await WorkerAsync(slots: 8);
        Guid account = await _storage.AccountAsync();

        Assert.That((await SubmitAsync(account, runningLimit: 1)).IsSent, Is.True);
        Assert.That((await SubmitAsync(account, runningLimit: 1)).IsSent, Is.False);
    }

    [Test]
    public async Task SubmitAsync_ManyAtOnceInTwoProcesses_NeverMoreThanTheWindowHolds()
    {
        await WorkerAsync(slots: 8);
        int room = (await WindowAsync()).Room;
        Guid[] accounts = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _storage.AccountAsync()));
        await using DedicatedPools pools = _storage.NewPools();
        var other = new JobStore(_storage.Source, pools, _storage.Get<HotState>(), _storage.Get<DispatchSignal>());

        SubmitResult[] results = await Task.WhenAll(
            Enumerable.Range(0, 60).Select(i => (i % 2 == 0 ? _storage.Jobs : other).SubmitAsync(NewJob(accounts[i % 5], null), default))
        );

        Assert.That(results.Select(r => r.Outcome), Is.All.EqualTo(SubmitOutcome.Queued));
        DispatchWindow window = await WindowAsync();
        Assert.That(window.InFlight, Is.InRange(1, room));
        Assert.That(window.InFlight + window.Waiting, Is.EqualTo(60));
        Assert.That(_begun, Is.EquivalentTo(results.Where(r => r.IsSent).Select(r => r.Job!.Id)));
        Assert.That(_begun, Has.Count.EqualTo(window.InFlight));
        Assert.That((await _storage.Ledger.CheckAsync(default)).IsRight);
    }

    [Test]
    public async Task SubmitAsync_SentPastTheBacklog_CountsInTheAccountsShare()
    {
        await WorkerAsync(slots: 2);
        // Of two that are even the one with the lower id is first
        Guid[] accounts =
        [
            .. (await Task.WhenAll(_storage.AccountAsync(), _storage.AccountAsync())).OrderBy(a => a.ToString(), StringComparer.Ordinal),
        ];
        int room = (await WindowAsync()).Room;
        for (int i = 0; i < room; i++)
        {
            Assert.That((await SubmitAsync(accounts[0])).IsSent, Is.True);
        }

        await SubmitAsync(accounts[0]);
        JobId late = (await SubmitAsync(accounts[1])).Job!.Id;

        Assert.That((await Outbox.TakeAsync(_model, 1, null, default)).Single().JobId, Is.EqualTo(late));
    }

    private NewJob NewJob(Guid account, int? runningLimit) =>
        StorageScope.NewJob(account, model: _model) with
        {
            Send = new DirectSend(runningLimit, row => _begun.Add(row.Id)),
        };

    private Task<SubmitResult> SubmitAsync(Guid account, int? runningLimit = null) =>
        _storage.Jobs.SubmitAsync(NewJob(account, runningLimit), default);

    /// <summary>A worker of the model, by the model's name, that lives as long as a test may take.</summary>
    private async Task WorkerAsync(int slots)
    {
        await using NpgsqlCommand worker = _storage.Source.CreateCommand(
            "INSERT INTO workers (id, models, slots, last_seen) VALUES ($1, ARRAY[$1], $2, now() + interval '1 hour')"
        );
        worker.Parameters.Add(new Npgsql.NpgsqlParameter<string> { TypedValue = _model });
        worker.Parameters.Add(new Npgsql.NpgsqlParameter<int> { TypedValue = slots });
        await worker.ExecuteNonQueryAsync();
    }

    private async Task<DispatchWindow> WindowAsync() => (await Outbox.WindowsAsync(default)).Single(w => w.Model == _model);
}
