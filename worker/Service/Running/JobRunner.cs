using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Service.Jobs;
using Generation.Service.Rendering;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Service.Running;

/// <summary>
/// Runs one claimed job: holds the lease, makes the outputs, arrives at one <see cref="JobOutcome"/> and writes it to the database.
/// Whatever happens in between ends in an outcome, and one switch acts on it.
/// </summary>
internal sealed class JobRunner(
    JobStore store,
    Renderers renderers,
    Checkpoints checkpoints,
    HotState hotState,
    FailureTranslator failures,
    WorkerMetrics metrics,
    IOptions<WorkerOptions> worker,
    IOptions<JobsOptions> jobs,
    TimeProvider time,
    ILogger<JobRunner> logger
)
{
    /// <summary>How long writing an outcome is retried while the database is away.</summary>
    private static readonly TimeSpan WriteLimit = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan WritePause = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan TidyLimit = TimeSpan.FromSeconds(5);

    public async Task RunAsync(RunningJob job)
    {
        using IDisposable? scope = logger.BeginScope("job {JobId} attempt {Attempt}", job.Claim.Id, job.Claim.Attempt);
        // The consumer that started this run is its parent, also when it is over before
        using System.Diagnostics.Activity? activity = Tracing.Run(job.Claim.Id, job.Claim.Model, job.Claim.Request.Kind, job.Claim.Attempt);
        FaultPoint.Reach(FaultPoint.Started);
        long start = time.GetTimestamp();
        WorkerLog.JobStarted(logger, job.Claim.Id, job.Claim.Attempt, job.Claim.Request.Kind, job.Claim.Model);
        JobOutcome outcome;
        FencedOutcome written;
        await using (time.CreateTimer(_ => job.Stop.Request(StopReason.TimeLimit), null, worker.Value.JobLimit, Timeout.InfiniteTimeSpan))
        await using (new LeaseKeeper(job, store, checkpoints, hotState, jobs.Value.Lease, logger))
        {
            outcome = await UntilAbandonedAsync(job, CarryOutAsync(job));
            job.Slot.Dispose();
            FaultPoint.Reach(FaultPoint.Stored);
            written = await WriteAsync(job, outcome);
            FaultPoint.Reach(FaultPoint.Written);
        }

        TimeSpan took = time.GetElapsedTime(start);
        activity?.SetTag("generation.job.outcome", outcome.GetType().Name);
        metrics.JobEnded(job.Claim.Request.Kind, job.Claim.Model, outcome, written, took);
        WorkerLog.JobEnded(logger, job.Claim.Id, job.Claim.Attempt, outcome.GetType().Name, written, took.TotalSeconds);
        failures.AfterJob(outcome);
    }

    /// <summary>Does the work, and turns every way in which it can fail into an outcome.</summary>
    private async Task<JobOutcome> CarryOutAsync(RunningJob job)
    {
        // The caller watches this task from the start, so nothing of it may run before
        await Task.Yield();
        try
        {
            await checkpoints.RestoreAsync(job, job.Stop.Token);
            JobKind kind = job.Claim.Request.Kind;
            return renderers.Find(kind) is { } renderer
                ? new JobOutcome.Done(await renderer.RunAsync(job), job.Part)
                : new JobOutcome.Failed(
                    new JobError("kind_not_supported", $"This worker cannot run jobs of the kind {kind.WireName()}.", "kind")
                );
        }
        catch (OperationCanceledException) when (job.Stop.Reason != StopReason.None)
        {
            return new JobOutcome.Stopped(job.Stop.Reason);
        }
        catch (Exception e)
        {
            return failures.Translate(job.Claim, e);
        }
    }

    /// <summary>
    /// Waits for the work. At a shutdown it does not wait for a step that lasts too long: the process ends soon, and the job continues
    /// elsewhere from the step before.
    /// </summary>
    private async Task<JobOutcome> UntilAbandonedAsync(RunningJob job, Task<JobOutcome> work)
    {
        await Task.WhenAny(work, Task.Delay(Timeout.InfiniteTimeSpan, time, job.Stop.Token));
        if (!work.IsCompleted && job.Stop.Reason == StopReason.Shutdown)
        {
            await Task.WhenAny(work, Task.Delay(worker.Value.StopTime * 0.6, time));
            return work.IsCompleted ? await work : new JobOutcome.Stopped(StopReason.Shutdown);
        }

        return await work;
    }

    private async Task<FencedOutcome> WriteAsync(RunningJob job, JobOutcome outcome)
    {
        JobId id = job.Claim.Id;
        long epoch = job.Claim.LeaseEpoch;
        FencedOutcome written = outcome switch
        {
            JobOutcome.Done done => await PersistAsync(job, token => store.CompleteAsync(id, epoch, done.Outputs, done.Part, token)),
            JobOutcome.Failed failed => await PersistAsync(job, token => store.FailAsync(id, epoch, failed.Error, token)),
            JobOutcome.Retry retry => await PersistAsync(job, token =>
                store.RetryAsync(id, epoch, jobs.Value.MaxAttempts, retry.Error, token)
            ),
            JobOutcome.Stopped { Reason: StopReason.LeaseLost } => FencedOutcome.Lost,
            JobOutcome.Stopped { Reason: StopReason.CancelRequested } => FencedOutcome.CancelRequested,
            JobOutcome.Stopped { Reason: StopReason.Shutdown } => await HandBackAsync(job),
            JobOutcome.Stopped { Reason: StopReason.TimeLimit } => await PersistAsync(job, token =>
                store.FailAsync(id, epoch, TooLong, token)
            ),
            // An outcome that nobody foresaw is a failure
            _ => await PersistAsync(job, token => store.FailAsync(id, epoch, FailureTranslator.Internal(job.Claim), token)),
        };
        if (written == FencedOutcome.CancelRequested)
        {
            double fraction = job.FractionDone;
            written = await PersistAsync(job, token => store.ConfirmCancelAsync(id, epoch, fraction, token));
        }

        if (written == FencedOutcome.Done && outcome is not (JobOutcome.Retry or JobOutcome.Stopped { Reason: StopReason.Shutdown }))
        {
            using var limit = new CancellationTokenSource(TidyLimit, time);
            await checkpoints.ForgetAsync(job.StoredCheckpoint, limit.Token);
        }

        return written;
    }

    private JobError TooLong =>
        new(
            "time_limit",
            $"The job ran longer than the {worker.Value.JobLimit.TotalSeconds} s that one may take. Ask for fewer steps or pictures, or "
                + "a smaller size. Nothing was charged."
        );

    private async Task<FencedOutcome> HandBackAsync(RunningJob job)
    {
        JobCheckpoint? checkpoint = null;
        using (var limit = new CancellationTokenSource(worker.Value.StopTime / 4, time))
        {
            try
            {
                checkpoint = await checkpoints.SaveNewestAsync(job, limit.Token);
            }
            catch (OperationCanceledException)
            {
                // Then the one before has to do
            }
        }

        FaultPoint.Reach(FaultPoint.HandingBack);
        FencedOutcome written = await PersistAsync(job, token =>
            store.HandBackAsync(job.Claim.Id, job.Claim.LeaseEpoch, checkpoint, token)
        );
        FaultPoint.Reach(FaultPoint.HandedBack);
        return written;
    }

    /// <summary>Writes to a database that may be away. If it stays away the lease lapses, and the job is rescued.</summary>
    private async Task<FencedOutcome> PersistAsync(RunningJob job, Func<CancellationToken, Task<FencedOutcome>> write)
    {
        using var limit = new CancellationTokenSource(WriteLimit, time);
        // A shutdown does not wait for a database that is away
        using CancellationTokenRegistration registration =
            job.Stop.Reason == StopReason.Shutdown ? default : job.Stop.Token.Register(() => limit.CancelAfter(worker.Value.StopTime));
        if (job.Stop.Reason == StopReason.Shutdown)
        {
            limit.CancelAfter(worker.Value.StopTime / 3);
        }

        while (true)
        {
            try
            {
                return await write(limit.Token);
            }
            catch (Exception e) when (Transient.Is(e) && !limit.IsCancellationRequested)
            {
                WorkerLog.OutcomeNotWritten(logger, job.Claim.Id, e.Message);
                await Task.Delay(WritePause, time, limit.Token);
            }
        }
    }
}
