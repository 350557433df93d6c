using Generation.Api.Web;
using Generation.Storage.History;
using Generation.Storage.Jobs;

namespace Generation.Api.History;

/// <summary>Records how busy the system is, step by step; one of all API processes does it, whichever comes first.</summary>
internal sealed class HistoryRecorder(LoadHistory history, LoadReader load, TimeProvider time, ILogger<HistoryRecorder> logger)
    : BackgroundService
{
    /// <summary>How long a look and its record may take before it is given up until the next.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TimeSpan interval = LoadHistory.Steps[0].Step;
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                limit.CancelAfter(Limit);
                await history.RecordAsync(await load.ReadAsync(limit.Token), limit.Token);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Recording how busy the system is", interval.TotalSeconds);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
