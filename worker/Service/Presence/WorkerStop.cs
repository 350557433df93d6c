using Generation.Service.Jobs;
using Generation.Service.Running;
using Microsoft.Extensions.Options;

namespace Generation.Service.Presence;

/// <summary>
/// Shuts the worker down without losing work: takes no more jobs, lets each job finish its step and go back to the queue with its latents,
/// and only then lets the rest of the program end.
/// </summary>
internal sealed class WorkerStop(
    SlotGate gate,
    RunningJobs running,
    IHostApplicationLifetime lifetime,
    IOptions<WorkerOptions> options,
    ILogger<WorkerStop> logger
) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(gate.Close);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        gate.Close();
        int jobs = running.Count;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.StopTime);
        try
        {
            await running.StopAllAsync(limit.Token);
            WorkerLog.Stopped(logger, jobs);
        }
        catch (OperationCanceledException)
        {
            WorkerLog.NotStopped(logger, running.Count);
        }
    }
}
