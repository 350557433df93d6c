using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using MassTransit;

namespace Generation.Benchmarks.Jobs;

/// <summary>A worker whose work takes no time: claims, completes, and keeps when it began.</summary>
internal sealed class NoOpWorker : IConsumer<RunJob>, IAsyncDisposable
{
    public const string EchoQueue = "bench.echo";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<JobId, TaskCompletionSource<long>> _starts = new();
    private readonly ConcurrentDictionary<JobId, TaskCompletionSource<long>> _ends = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly string _id = "bench-" + Guid.NewGuid().ToString("N");
    private JobsStack _stack = null!;
    private IBusControl _bus = null!;
    private TaskCompletionSource<long> _echoed = New();
    private Task _beating = Task.CompletedTask;
    private volatile TaskCompletionSource<long> _enough = New();
    private int _done;
    private int _wanted = int.MaxValue;

    public static async Task<NoOpWorker> StartAsync(JobsStack stack, int slots, CancellationToken cancellationToken)
    {
        var worker = new NoOpWorker { _stack = stack };
        worker._bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(stack.RabbitMq), host => host.PublisherConfirmation = true);
            rabbit.ReceiveEndpoint("jobs." + stack.Model.Name, endpoint =>
            {
                endpoint.SetQuorumQueue();
                endpoint.PrefetchCount = slots;
                endpoint.ConcurrentMessageLimit = slots;
                endpoint.Instance(worker);
            });
            rabbit.ReceiveEndpoint(EchoQueue, endpoint =>
            {
                endpoint.SetQuorumQueue();
                endpoint.Handler<RunJob>(_ =>
                {
                    worker._echoed.TrySetResult(Stopwatch.GetTimestamp());
                    return Task.CompletedTask;
                });
            });
        });
        await worker._bus.StartAsync(cancellationToken);
        await stack.Workers.RegisterAsync(new WorkerRegistration(worker._id, [stack.Model], slots, null), cancellationToken);
        worker._beating = worker.BeatAsync();
        return worker;
    }

    public async Task Consume(ConsumeContext<RunJob> context)
    {
        JobId id = context.Message.JobId;
        ClaimedJob? claim = await _stack.Jobs.ClaimAsync(id, _id, Lease, context.CancellationToken);
        if (claim is null)
        {
            return;
        }

        _starts.GetOrAdd(id, _ => New()).TrySetResult(Stopwatch.GetTimestamp());
        // As the real worker: acknowledge after the claim, finish apart from it
        _ = CompleteAsync(claim);
    }

    /// <summary>
    /// How long a message takes from another process, which does nothing but send it, over a queue of the same kind to this one.
    /// </summary>
    public async Task<TimeSpan> EchoAsync(CancellationToken cancellationToken)
    {
        _echoed = New();
        using HttpResponseMessage answer = await _stack.Bare.PostAsync("/echo", null, cancellationToken);
        answer.EnsureSuccessStatusCode();
        long sent = long.Parse(await answer.Content.ReadAsStringAsync(cancellationToken), CultureInfo.InvariantCulture);
        return Stopwatch.GetElapsedTime(sent, await _echoed.Task.WaitAsync(cancellationToken));
    }

    public async Task<long> StartOfAsync(JobId id, CancellationToken cancellationToken) =>
        await _starts.GetOrAdd(id, _ => New()).Task.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);

    public async Task<long> EndOfAsync(JobId id, CancellationToken cancellationToken) =>
        await _ends.GetOrAdd(id, _ => New()).Task.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);

    /// <summary>How many jobs have ended here.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>Waits until so many have ended here since the beginning.</summary>
    public async Task WaitForAsync(int jobs, CancellationToken cancellationToken)
    {
        while (Done < jobs)
        {
            TaskCompletionSource<long> enough = New();
            _enough = enough;
            Volatile.Write(ref _wanted, jobs);
            if (Done < jobs)
            {
                await enough.Task.WaitAsync(TimeSpan.FromMinutes(5), cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beating;
        await _bus.StopAsync(TimeSpan.FromSeconds(10));
        await _stack.Workers.RemoveAsync(_id, CancellationToken.None);
        _stop.Dispose();
    }

    private static TaskCompletionSource<long> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task CompleteAsync(ClaimedJob claim)
    {
        await _stack.Jobs.CompleteAsync(claim.Id, claim.LeaseEpoch, [], CancellationToken.None);
        _ends.GetOrAdd(claim.Id, _ => New()).TrySetResult(Stopwatch.GetTimestamp());
        if (Interlocked.Increment(ref _done) >= Volatile.Read(ref _wanted))
        {
            _enough.TrySetResult(Stopwatch.GetTimestamp());
        }
    }

    private async Task BeatAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await _stack.Workers.HeartbeatAsync(_id, [], CancellationToken.None);
            await Task.Delay(WorkerRegistry.HeartbeatInterval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
