using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Diagnostics;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Microsoft.Extensions.Options;

namespace Generation.Api.Dispatch;

/// <summary>
/// Puts the jobs of lost workers back into the queue, expires jobs that nobody began in time, and removes workers that are gone. Any number
/// may run side by side: each step is conditional on the row's state.
/// </summary>
internal sealed class Rescuer(
    JobStore jobs,
    WorkerRegistry workers,
    IOptions<JobsOptions> options,
    ApiMetrics metrics,
    TimeProvider time,
    ILogger<Rescuer> logger
) : BackgroundService
{
    private static readonly TimeSpan TidyInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan GoneWorkersFor = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.RescueInterval, time);
        long? tidied = null;
        do
        {
            try
            {
                await RescueAsync(stoppingToken);
                if (tidied is null || time.GetElapsedTime(tidied.Value) > TidyInterval)
                {
                    tidied = time.GetTimestamp();
                    await workers.RemoveGoneAsync(GoneWorkersFor, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Rescue", options.Value.RescueIntervalSeconds);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RescueAsync(CancellationToken cancellationToken)
    {
        RescueResult result = await jobs.RescueAsync(options.Value.MaxAttempts, cancellationToken);
        if (result.Total > 0)
        {
            FaultPoint.Reach(FaultPoint.Rescued);
            metrics.Rescued(result);
            ApiLog.Rescued(logger, result.Requeued, result.Failed, result.Cancelled);
        }

        int expired = await jobs.ExpireAsync(cancellationToken);
        if (expired > 0)
        {
            ApiLog.Expired(logger, expired);
        }
    }
}
