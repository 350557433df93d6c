using Generation.Contracts;
using Generation.Storage;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Generation.Api;

/// <summary>
/// Sends waiting jobs to their model's queue, no more than its workers will take at once: the backlog stays in
/// PostgreSQL. Wakes on signals, and by itself every second.
/// </summary>
internal sealed class Dispatcher(
    Outbox outbox,
    DispatchSignal signal,
    IBus bus,
    IOptions<JobsOptions> options,
    IOptions<AccountLimits> limits,
    ApiMetrics metrics,
    ILogger<Dispatcher> logger) : BackgroundService
{
    private const int BatchSize = 128;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SendLimit = TimeSpan.FromSeconds(5);

    /// <summary>With a free slot beside it, a message that nobody takes for so long is lost.</summary>
    private static readonly TimeSpan LostBesideFreeSlot = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _wake = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        signal.Raised += Wake;
        Task listening = signal.ListenAsync(stoppingToken);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await _wake.WaitAsync(Look, stoppingToken);
                    while (await DispatchAsync(stoppingToken))
                    {
                    }
                }
                catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
                {
                }
                catch (Exception e)
                {
                    ApiLog.LoopFailed(logger, e, "Dispatch", ErrorPause.TotalSeconds);
                    await Task.Delay(ErrorPause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        finally
        {
            signal.Raised -= Wake;
            await listening;
        }
    }

    /// <summary>One round over the models; true if there may be more to send at once.</summary>
    private async Task<bool> DispatchAsync(CancellationToken cancellationToken)
    {
        bool more = false;
        foreach (DispatchWindow window in await outbox.WindowsAsync(cancellationToken))
        {
            if (window.InFlight > 0)
            {
                await SendOverdueAsync(window, cancellationToken);
            }

            int room = Math.Min(RoomOf(window), BatchSize);
            if (room <= 0 || window.Waiting == 0)
            {
                continue;
            }

            IReadOnlyList<OutboxEntry> entries = await outbox.TakeAsync(window.Model, room, limits.Value.RunningJobs, cancellationToken);
            more |= await SendAsync(window.Model, entries, cancellationToken) && entries.Count == BatchSize;
        }

        return more;
    }

    /// <summary>A little more than the free slots, so that a worker finds its next job when it has finished one.</summary>
    private static int RoomOf(DispatchWindow window) => window.FreeSlots + 1 + (window.Slots / 4) - window.InFlight;

    private async Task SendOverdueAsync(DispatchWindow window, CancellationToken cancellationToken)
    {
        TimeSpan age = options.Value.Redispatch;
        if (window.FreeSlots > 0 && LostBesideFreeSlot < age)
        {
            age = LostBesideFreeSlot;
        }

        IReadOnlyList<OutboxEntry> overdue = await outbox.TakeOverdueAsync(window.Model, age, BatchSize, cancellationToken);
        if (overdue.Count > 0 && await SendAsync(window.Model, overdue, cancellationToken))
        {
            ApiLog.SentAgain(logger, overdue.Count, QueueOf(window.Model));
        }
    }

    /// <summary>Sends, and puts back what the broker did not confirm; whether all went out.</summary>
    private async Task<bool> SendAsync(string model, IReadOnlyList<OutboxEntry> entries, CancellationToken cancellationToken)
    {
        if (entries.Count == 0)
        {
            return true;
        }

        FaultPoint.Reach(FaultPoint.Taken);
        var failed = new List<JobId>();
        string reason = "";
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            limit.CancelAfter(SendLimit);
            // An exchange address: a queue address would declare a classic queue of that name
            Task<(JobId Id, string? Reason)>[] sends = [.. entries.Select(e => SendOneAsync(e, limit.Token))];
            foreach ((JobId id, string? why) in await Task.WhenAll(sends))
            {
                if (why is not null)
                {
                    failed.Add(id);
                    reason = why;
                }
            }
        }

        FaultPoint.Reach(FaultPoint.Sent);
        metrics.Dispatched(model, entries.Count - failed.Count);
        if (failed.Count == 0)
        {
            return true;
        }

        ApiLog.SendFailed(logger, failed.Count, QueueOf(model), reason);
        // Also when stopping: another dispatcher then has them at once, and not after RedispatchSeconds
        await outbox.PutBackAsync(failed, CancellationToken.None);
        return false;
    }

    private async Task<(JobId Id, string? Reason)> SendOneAsync(OutboxEntry entry, CancellationToken cancellationToken)
    {
        // What the broker's client sends along goes on from here
        using System.Diagnostics.Activity? activity = Tracing.Dispatch(entry.JobId, entry.Model, entry.Trace);
        try
        {
            ISendEndpoint endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{QueueOf(entry.Model)}"))
                .WaitAsync(cancellationToken);
            await endpoint.Send(new RunJob(entry.JobId, entry.Model), context =>
            {
                context.MessageId = NewId.NextGuid();
                if (context.TryGetPayload(out RabbitMqSendContext? rabbit))
                {
                    // No queue behind the exchange: returned, and not thrown away
                    rabbit.Mandatory = true;
                }
            }, cancellationToken).WaitAsync(cancellationToken);
            return (entry.JobId, null);
        }
        catch (Exception e)
        {
            return (entry.JobId, e is OperationCanceledException ? $"no confirmation within {SendLimit.TotalSeconds} s" : e.Message);
        }
    }

    private static string QueueOf(string model) => "jobs." + model;

    private void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Another signal was faster; the round that it wakes sees this one's job, too
        }
    }
}
