using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Service.Running;

/// <summary>Claims jobs for this worker, also where the database is away for a moment.</summary>
internal sealed class JobClaims(
    JobStore store,
    RunningJobs running,
    IOptions<WorkerOptions> worker,
    IOptions<JobsOptions> jobs,
    TimeProvider time
)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Claims a job and returns it. Null when it is no longer queued.</summary>
    public async Task<ClaimedJob?> ClaimAsync(JobId id, CancellationToken cancellationToken)
    {
        bool tried = false;
        while (true)
        {
            try
            {
                if (await store.ClaimAsync(id, worker.Value.Id, jobs.Value.Lease, cancellationToken) is { } job)
                {
                    return job;
                }

                // A try whose answer was lost may have claimed it
                return tried && !running.Has(id) ? await store.FindClaimAsync(id, worker.Value.Id, cancellationToken) : null;
            }
            catch (Exception e) when (Transient.Is(e) && !cancellationToken.IsCancellationRequested)
            {
                tried = true;
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }
}
