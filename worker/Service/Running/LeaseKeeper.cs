using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Service.Rendering;
using Generation.Storage.Jobs;

namespace Generation.Service.Running;

/// <summary>
/// Renews one job's lease until it is disposed. With each renewal it stores the job's newest latents and publishes its progress again
/// (Redis may have lost it, and the next step may take long), and it stops the job when the database says so. A database that is away stops
/// nothing: no other worker can claim the job either, and a lapsed lease that nobody took is simply renewed.
/// </summary>
internal sealed class LeaseKeeper : IAsyncDisposable
{
    private readonly RunningJob _job;
    private readonly JobStore _store;
    private readonly Checkpoints _checkpoints;
    private readonly HotState _hotState;
    private readonly TimeSpan _lease;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _loop;

    public LeaseKeeper(RunningJob job, JobStore store, Checkpoints checkpoints, HotState hotState, TimeSpan lease, ILogger logger)
    {
        (_job, _store, _checkpoints, _hotState, _lease, _logger) = (job, store, checkpoints, hotState, lease, logger);
        _loop = Task.Run(LoopAsync, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _loop;
        _end.Dispose();
    }

    private async Task LoopAsync()
    {
        TimeSpan interval = _lease / 3;
        TimeSpan wait = interval;
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await _job.WaitForLeaseTimeAsync(wait, _end.Token);
                wait = await RenewAsync(interval) ? interval : TimeSpan.FromTicks(Math.Min(interval.Ticks, TimeSpan.TicksPerSecond));
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The job lives by this loop: whatever went wrong, the next round is tried
                WorkerLog.LeaseKeeperFailed(_logger, e);
                wait = interval;
            }
        }
    }

    /// <summary>Renews once; false if the renewal did not reach the database.</summary>
    private async Task<bool> RenewAsync(TimeSpan limit)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        timeout.CancelAfter(limit);
        try
        {
            JobCheckpoint? checkpoint =
                _job.Stop.Reason == StopReason.None ? await _checkpoints.SaveNewestAsync(_job, timeout.Token) : null;
            LeaseState state = await _store.RenewAsync(_job.Claim.Id, _job.Claim.LeaseEpoch, _lease, checkpoint, timeout.Token);
            switch (state)
            {
                case LeaseState.Held:
                    if (_job.Progress is { Step: > 0 } progress)
                    {
                        _hotState.ShowProgress(_job.Claim.Id, _job.Claim.LeaseEpoch, progress);
                    }

                    await _checkpoints.ForgetOlderAsync(_job, checkpoint, timeout.Token);
                    break;
                case LeaseState.CancelRequested:
                    _job.Stop.Request(StopReason.CancelRequested);
                    break;
                default:
                    WorkerLog.LeaseLost(_logger);
                    _job.Stop.Request(StopReason.LeaseLost);
                    break;
            }

            return true;
        }
        catch (Exception e) when ((Transient.Is(e) || e is OperationCanceledException) && !_end.IsCancellationRequested)
        {
            WorkerLog.LeaseNotRenewed(_logger, e.Message);
            return false;
        }
    }
}
