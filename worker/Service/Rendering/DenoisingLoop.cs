using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diffusion.Pipelines;
using Generation.Service.Jobs;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Service.Rendering;

/// <summary>
/// Runs the steps of a job that has a single denoising run: continues from an earlier worker's checkpoint, keeps the state that another
/// worker would continue from, and publishes the progress.
/// </summary>
internal sealed class DenoisingLoop(HotState hotState, WorkerMetrics metrics, IOptions<WorkerOptions> options, TimeProvider time)
{
    /// <summary>Publishes how far a job is.</summary>
    public void Show(RunningJob job, int step, int steps, byte[]? preview = null)
    {
        job.Progress = new JobProgress(step, steps);
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress, preview);
    }

    /// <summary>Runs all steps that are left. Call it on a compute thread.</summary>
    /// <param name="preview">
    /// Makes a small preview file between two steps, or null where the model has none; called from time to time.
    /// </param>
    /// <exception cref="OperationCanceledException">The job was stopped.</exception>
    public void Run(RunningJob job, DenoisingRun run, Func<StepReport, byte[]?> preview)
    {
        CancellationToken stop = job.Stop.Token;
        job.Snapshot.TryUse(0, run.Restore);
        var clock = new StepClock(time, options.Value);
        clock.Begin();
        run.Loop(
            report =>
            {
                job.Snapshot.Update(0, report.SaveState(), report.Step);
                Show(job, report.Step, report.Steps, clock.IsPreviewDue() && report.Step < report.Steps ? preview(report) : null);
                metrics.StepDone(job.Claim.Model);
                HoldPoint.Pass(HoldPoint.Step, job.Claim.Id, report.Step, stop);
                HoldPoint.Pass(HoldPoint.Computation, job.Claim.Id, report.Step, CancellationToken.None);
            },
            stop
        );
        stop.ThrowIfCancellationRequested();
    }
}
