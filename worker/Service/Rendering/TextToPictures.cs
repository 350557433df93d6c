using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using Generation.Storage;
using Generation.Worker.Jobs;
using Generation.Worker.Models;
using Generation.Worker.Telemetry;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace Generation.Worker.Rendering;

/// <summary>
/// Words to pictures, one picture after the other: each is computed as it would be alone, so that its bytes do not depend
/// on the others or on where an earlier worker stopped.
/// </summary>
/// <remarks>
/// Jobs overlap at their ends: a job that is nearly done lets the next one in, which loads its model and encodes its words
/// meanwhile; and a finished picture is encoded and stored while the next one, of this job or another, is computed.
/// </remarks>
internal sealed class TextToPictures(
    ModelCache models,
    ComputeThreads compute,
    PictureFinisher finisher,
    HotState hotState,
    WorkerMetrics metrics,
    IOptions<WorkerOptions> options,
    TimeProvider time) : IJobRenderer
{
    /// <summary>Makes, stores and describes all pictures of a request.</summary>
    /// <exception cref="OperationCanceledException">The job was stopped.</exception>
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (Text2ImgRequest)job.Claim.Request;
        CancellationToken stop = job.Stop.Token;
        job.Progress = new JobProgress(job.Snapshot.Step, request.NumInferenceSteps * request.NumImages);
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress);

        using ModelLease lease = await models.AcquireAsync(request.Model, stop);
        LoadedModel model = lease.Model;
        RenderPlan plan = RenderPlan.For(model.Entry, request.Width, request.Height);
        var outputs = new Task<JobOutput>[request.NumImages];
        DenoisingRun? next = await compute.PrepareAsync(() => Encode(model, request, plan, 0, stop), model.EncodeTurn, stop);
        try
        {
            await model.LoopTurn.WaitAsync(stop);
            try
            {
                using ComputeTurn turn = await compute.RentAsync(stop);
                var clock = new StepClock(time, options.Value.Lookahead);
                for (int k = 0; k < outputs.Length; k++)
                {
                    int picture = k;
                    DenoisingRun? encoded = next;
                    next = null;
                    Picture drawn = await turn.RunAsync(() =>
                    {
                        using DenoisingRun run = encoded ?? EncodeInTurn(model, request, plan, picture, stop);
                        return Draw(job, model, run, plan, picture, outputs.Length, clock, stop);
                    });
                    outputs[k] = Task.Run(() => finisher.FinishAsync(job, request, plan, drawn, picture), CancellationToken.None);
                }
            }
            finally
            {
                model.LoopTurn.Release();
            }
        }
        finally
        {
            next?.Dispose();
        }

        job.Slot.Dispose();
        return await Task.WhenAll(outputs);
    }

    private static DenoisingRun EncodeInTurn(LoadedModel model, Text2ImgRequest request, RenderPlan plan, int picture, CancellationToken stop)
    {
        model.EncodeTurn.Wait(stop);
        try
        {
            return Encode(model, request, plan, picture, stop);
        }
        finally
        {
            model.EncodeTurn.Release();
        }
    }

    private static DenoisingRun Encode(LoadedModel model, Text2ImgRequest request, RenderPlan plan, int picture, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return model.TextToImage.Encode(new Text2ImgSettings
        {
            Prompt = request.Prompt,
            NegativePrompt = request.NegativePrompt,
            PromptSyntax = PromptSyntax.Weighted,
            Width = plan.GeneratedWidth,
            Height = plan.GeneratedHeight,
            NumInferenceSteps = request.NumInferenceSteps,
            GuidanceScale = request.GuidanceScale,
            GuidanceRescale = request.GuidanceRescale,
            Seed = unchecked(request.Seed + picture),
            NumImages = 1,
            Scheduler = SchedulerNames.Resolve(request.Scheduler, model.Model.Scheduler),
        });
    }

    /// <summary>One picture, at the size that the plan comes to before cropping. On a compute thread.</summary>
    private Picture Draw(
        RunningJob job, LoadedModel model, DenoisingRun run, RenderPlan plan, int picture, int pictures, StepClock clock, CancellationToken stop)
    {
        job.Snapshot.TryUse(picture, run.Restore);
        int before = picture * run.Steps;
        int steps = pictures * run.Steps;
        clock.Begin();
        run.Loop(report => OnStep(job, model, run, report, picture, before + report.Step, steps, clock), stop);
        stop.ThrowIfCancellationRequested();

        using PictureBatch batch = run.Decode(stop);
        if (plan.Upscaler is null)
        {
            return batch.ToPictures()[0];
        }

        using Tensor larger = model.Upscaler!.Upscale(batch.Images, stop);
        return PictureTensors.ToPictures(larger)[0];
    }

    private void OnStep(RunningJob job, LoadedModel model, DenoisingRun run, StepReport report, int picture, int done, int steps, StepClock clock)
    {
        job.Snapshot.Update(picture, report.SaveState(), done);
        job.Progress = new JobProgress(done, steps);
        byte[]? preview = clock.IsPreviewDue() && report.Step < report.Steps ? LatentPreview.Make(model, run, report) : null;
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress, preview);
        metrics.StepDone(job.Claim.Model);
        if (clock.IsNearlyDone(steps - done))
        {
            job.Slot.Dispose();
        }
    }
}
