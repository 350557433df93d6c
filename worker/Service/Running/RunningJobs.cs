using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Storage.Jobs;

namespace Generation.Service.Running;

/// <summary>The jobs that run in this process.</summary>
internal sealed class RunningJobs(JobRunner runner, ILogger<RunningJobs> logger)
{
    // By epoch too: a job whose lease was lost here may come back while its old run is still ending
    private readonly ConcurrentDictionary<(JobId Id, long Epoch), RunningJob> _jobs = new();
    private volatile bool _stopping;

    public int Count => _jobs.Count;

    public bool Has(JobId id) => _jobs.Keys.Any(key => key.Id == id);

    /// <summary>Runs a claimed job in the background; the slot is given back when its computation is over.</summary>
    public void Start(ClaimedJob claim, SlotTicket slot)
    {
        var job = new RunningJob(claim, slot);
        _jobs[(claim.Id, claim.LeaseEpoch)] = job;
        if (_stopping)
        {
            job.Stop.Request(StopReason.Shutdown);
        }

        _ = Task.Run(() => RunAsync(job), CancellationToken.None);
    }

    /// <summary>Called when a job's owner wants it stopped: the job's lease keeper asks the database at once.</summary>
    public void LookAtLease(JobId id)
    {
        foreach (RunningJob job in _jobs.Values)
        {
            if (job.Claim.Id == id)
            {
                job.LookAtLease();
            }
        }
    }

    /// <summary>Stops all jobs, including those that have not started yet, and waits until their outcomes are written.</summary>
    public async Task StopAllAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        foreach (RunningJob job in _jobs.Values)
        {
            job.Stop.Request(StopReason.Shutdown);
        }

        while (!_jobs.IsEmpty)
        {
            await Task.WhenAll(_jobs.Values.Select(job => job.Finished)).WaitAsync(cancellationToken);
        }
    }

    private async Task RunAsync(RunningJob job)
    {
        try
        {
            await runner.RunAsync(job);
        }
        catch (Exception e)
        {
            // The runner writes every outcome down; what comes here is its own failure, and the lease takes care of the job
            WorkerLog.RunnerFailed(logger, job.Claim.Id, e);
        }
        finally
        {
            // In this order: what is counted here no more has left nothing in memory
            job.Dispose();
            _jobs.TryRemove((job.Claim.Id, job.Claim.LeaseEpoch), out _);
        }
    }
}
