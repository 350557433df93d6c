using Generation.Service.Jobs;
using Generation.Storage.Results;

namespace Generation.Service.Presence;

/// <summary>
/// Keeps a worker that cannot store results from taking jobs: they wait or go to other workers, and none is computed in vain.
/// </summary>
internal sealed class ResultsGuard(ResultsWatch watch, SlotGate gate) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        watch.Changed += Follow;
        Follow();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        watch.Changed -= Follow;
        return Task.CompletedTask;
    }

    private void Follow() => gate.Hold(Holds.Results, watch.Problem is not null);
}
