using Generation.Api.Limits;
using Generation.Api.Web;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Dispatch;

/// <summary>
/// Sends waiting jobs to their model's queue, no more than its workers will take at once: the backlog stays in
/// PostgreSQL. Wakes on signals, and by itself every second.
/// </summary>
internal sealed class Dispatcher(
    Outbox outbox,
    DispatchSignal signal,
    CommandSender sender,
    IOptions<JobsOptions> options,
    IOptions<AccountLimits> limits,
    TimeProvider time,
    ILogger<Dispatcher> logger
) : BackgroundService
{
    private const int BatchSize = 128;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);

    /// <summary>A message that nobody takes for so long, while a slot is free, counts as lost.</summary>
    private static readonly TimeSpan LostBesideFreeSlot = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _wake = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        signal.Raised += Wake;
        long looked = time.GetTimestamp() - (long)(Look.TotalSeconds * time.TimestampFrequency);
        Task listening = signal.ListenAsync(stoppingToken);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    bool isSignalled = await _wake.WaitAsync(Look, stoppingToken);
                    // A slot that comes free where nothing waits is no reason to count
                    if (isSignalled && time.GetElapsedTime(looked) < Look && !await outbox.IsAnyWaitingAsync(stoppingToken))
                    {
                        continue;
                    }

                    looked = time.GetTimestamp();
                    while (await DispatchAsync(stoppingToken)) { }
                }
                catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
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

    /// <summary>Makes one round over the models; returns whether there may be more to send at once.</summary>
    internal async Task<bool> DispatchAsync(CancellationToken cancellationToken)
    {
        bool more = false;
        foreach (DispatchWindow window in await outbox.WindowsAsync(cancellationToken))
        {
            if (window.Paused)
            {
                sender.SetOpen(window.Model, false);
                continue;
            }

            if (window.InFlight > 0)
            {
                await SendOverdueAsync(window, cancellationToken);
            }

            sender.SetOpen(window.Model, window.Waiting == 0);
            int room = Math.Min(window.Room, BatchSize);
            if (room <= 0 || window.Waiting == 0)
            {
                continue;
            }

            IReadOnlyList<OutboxEntry> entries = await outbox.TakeAsync(window.Model, room, limits.Value.RunningJobs, cancellationToken);
            sender.SetOpen(window.Model, entries.Count >= window.Waiting);
            more |= await sender.SendAsync(window.Model, entries, cancellationToken) && entries.Count == BatchSize;
        }

        return more;
    }

    private async Task SendOverdueAsync(DispatchWindow window, CancellationToken cancellationToken)
    {
        TimeSpan age = options.Value.Redispatch;
        if (window.FreeSlots > 0 && LostBesideFreeSlot < age)
        {
            age = LostBesideFreeSlot;
        }

        IReadOnlyList<OutboxEntry> overdue = await outbox.TakeOverdueAsync(window.Model, age, BatchSize, cancellationToken);
        if (overdue.Count > 0 && await sender.SendAsync(window.Model, overdue, cancellationToken))
        {
            ApiLog.SentAgain(logger, overdue.Count, CommandSender.QueueOf(window.Model));
        }
    }

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
