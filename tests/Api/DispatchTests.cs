using System.Collections.Concurrent;
using Generation.Api.Dispatch;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using MassTransit;

namespace Generation.Api.Tests;

/// <summary>The dispatcher against a real broker, with this process as the worker behind it.</summary>
public sealed class DispatchTests
{
    private ApiScope _api = null!;

    [SetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync(("Jobs:RedispatchSeconds", "1"));

    [TearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Submit_LiveWorker_ReceivesTheJobOnce()
    {
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);

        JobDocument job = await _api.SubmitAsync();

        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
        Assert.That((await _api.Jobs.ClaimAsync(job.Id, "w1", TimeSpan.FromMinutes(1), default))!.Attempt, Is.EqualTo(1));
    }

    [Test]
    public async Task Submit_NoWorkerYet_IsSentWhenOneComes()
    {
        JobDocument job = await _api.SubmitAsync();

        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);

        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
    }

    [Test]
    public async Task Dispatch_ManyJobsFewSlots_KeepsTheBacklogInPostgres()
    {
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 2, live: false);
        for (int i = 0; i < 20; i++)
        {
            await _api.SubmitAsync();
        }

        await worker.BeatAsync();
        for (int i = 0; i < 3; i++)
        {
            await worker.NextAsync();
        }

        DispatchWindow window = (await _api.Get<Outbox>().WindowsAsync(default)).Single();
        Assert.That((window.InFlight, window.Waiting), Is.EqualTo((3, 17)));
    }

    [Test]
    public async Task Dispatch_MessageLost_IsSentAgain()
    {
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);
        JobDocument job = await _api.SubmitAsync();

        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id), "nobody claimed it");
    }

    [Test]
    public async Task Dispatch_QueueGone_PutsTheJobBackAndTriesAgain()
    {
        // A live worker by its row, whose queue does not exist yet: the broker returns the message
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("w1", [ApiScope.Demo], 1, null), default);
        JobDocument job = await _api.SubmitAsync();
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);

        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
    }

    [Test]
    public async Task Submit_RoomAndNothingWaits_IsSentWithoutTheDispatcher()
    {
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 4);
        await UntilOpenAsync();

        JobRow? sent = null;
        SubmitResult result = await _api.Jobs.SubmitAsync(NewJob() with { Send = new DirectSend(null, row => sent = row) }, default);

        Assert.That((result.IsSent, sent?.Id), Is.EqualTo((true, result.Job!.Id)));
        JobDocument job = await _api.SubmitAsync();
        Assert.That(job.Position, Is.EqualTo(2), "behind the one that is on its way");
        // The first one's sender did nothing, as one that died: it is sent as any that nobody claimed
        var received = new HashSet<JobId>();
        while (!received.SetEquals([job.Id, sent!.Id]))
        {
            received.Add(await worker.NextAsync());
        }
    }

    [Test]
    public async Task Submit_QueueGoneWhereNothingWaits_IsPutBackAndSentWhenItComes()
    {
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("w1", [ApiScope.Demo], 1, null), default);
        await UntilOpenAsync();
        JobDocument job = await _api.SubmitAsync();
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);

        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
    }

    [Test]
    public async Task Rescue_LapsedLease_IsSentToAnotherWorker()
    {
        await using TestWorker worker = await TestWorker.StartAsync(_api, "w1", slots: 1);
        JobDocument job = await _api.SubmitAsync();
        await worker.NextAsync();
        await _api.Jobs.ClaimAsync(job.Id, "dead", TimeSpan.FromMilliseconds(1), default);

        ClaimedJob? second = null;
        while (second is null)
        {
            // One that comes before the rescue is a copy of the first, sent again because nobody had claimed it so soon
            Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
            second = await _api.Jobs.ClaimAsync(job.Id, "w1", TimeSpan.FromMinutes(1), default);
        }

        Assert.That(second.Attempt, Is.EqualTo(2));
    }

    [Test]
    public async Task Submit_ExpiresBeforeAWorkerComes_IsExpired()
    {
        JobDocument job = await _api.SubmitAsync(new { prompt = "a", expires_in = 1 });
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while ((await _api.PollAsync(job.Id)).State != JobState.Expired)
        {
            await Task.Delay(50, limit.Token);
        }

        Assert.That((await _api.Get<Ledger>().CheckAsync(default)).IsRight);
    }

    private NewJob NewJob() =>
        new()
        {
            Id = JobId.New(TimeProvider.System),
            AccountId = _api.Account,
            Cost = Credits.Of(1),
            Request = new Text2ImgRequest
            {
                Model = "demo",
                Prompt = "a red apple",
                Width = 256,
                Height = 256,
                NumInferenceSteps = 25,
                GuidanceScale = 4,
                Scheduler = "ddim",
                Seed = 7,
                NumImages = 1,
            },
        };

    /// <summary>Until the dispatcher has seen that jobs may go past the backlog.</summary>
    private async Task UntilOpenAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!_api.Get<CommandSender>().IsOpen("demo"))
        {
            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>A worker as the dispatcher sees one: a live row and a quorum queue. Its consumer only tells what came.</summary>
    internal sealed class TestWorker : IConsumer<RunJob>, IAsyncDisposable
    {
        private readonly BlockingCollection<JobId> _received = [];
        private readonly CancellationTokenSource _stop = new();
        private ApiScope _api = null!;
        private string _id = "";
        private IBusControl _bus = null!;
        private Task _beating = Task.CompletedTask;

        public static async Task<TestWorker> StartAsync(ApiScope api, string id, int slots, bool live = true)
        {
            var worker = new TestWorker { _api = api, _id = id };
            worker._bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
            {
                rabbit.Host(new Uri(api.RabbitMq));
                rabbit.ReceiveEndpoint("jobs.demo", endpoint =>
                {
                    endpoint.SetQuorumQueue();
                    endpoint.Instance(worker);
                });
            });
            await worker._bus.StartAsync();
            await api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration(id, [ApiScope.Demo], slots, null), default);
            if (!live)
            {
                await api.Get<WorkerRegistry>().DrainAsync(id, true, default);
            }

            worker._beating = worker.BeatUntilStoppedAsync();
            return worker;
        }

        public Task Consume(ConsumeContext<RunJob> context)
        {
            _received.Add(context.Message.JobId);
            return Task.CompletedTask;
        }

        public async Task<JobId> NextAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            return await Task.Run(() => _received.Take(limit.Token));
        }

        public async Task BeatAsync() => await _api.Get<WorkerRegistry>().DrainAsync(_id, false, default);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _beating;
            await _bus.StopAsync();
            _received.Dispose();
            _stop.Dispose();
        }

        private async Task BeatUntilStoppedAsync()
        {
            while (!_stop.IsCancellationRequested)
            {
                await _api.Get<WorkerRegistry>().HeartbeatAsync(_id, [], default);
                await Task.Delay(WorkerRegistry.HeartbeatInterval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
