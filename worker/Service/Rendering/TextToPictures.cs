using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using Generation.Storage;
using Generation.Worker.Jobs;
using Generation.Worker.Models;
using Generation.Worker.Telemetry;
using static TorchSharp.torch;

namespace Generation.Worker.Rendering;

/// <summary>
/// Words to pictures, one picture after the other: each is computed as it would be alone, so that its bytes do not depend
/// on the others or on where an earlier worker stopped. While one is encoded and stored, the next is computed.
/// </summary>
internal sealed class TextToPictures(ModelCache models, ComputeThreads compute, PictureFinisher finisher, HotState hotState, WorkerMetrics metrics)
{
    /// <summary>Makes, stores and describes all pictures of a request.</summary>
    /// <exception cref="OperationCanceledException">The job was stopped.</exception>
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job, Text2ImgRequest request)
    {
        CancellationToken stop = job.Stop.Token;
        job.Progress = new JobProgress(job.Snapshot.Step, request.NumInferenceSteps * request.NumImages);
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress);

        using ModelLease lease = await models.AcquireAsync(request.Model, stop);
        RenderPlan plan = RenderPlan.For(lease.Model.Entry, request.Width, request.Height);
        var outputs = new Task<JobOutput>[request.NumImages];
        await lease.Model.Turn.WaitAsync(stop);
        try
        {
            using ComputeTurn turn = await compute.RentAsync(stop);
            for (int k = 0; k < outputs.Length; k++)
            {
                int picture = k;
                Picture drawn = await turn.RunAsync(() => Draw(job, lease.Model, request, plan, picture, stop));
                outputs[k] = Task.Run(() => finisher.FinishAsync(job, request, plan, drawn, picture), CancellationToken.None);
            }
        }
        finally
        {
            lease.Model.Turn.Release();
        }

        job.Slot.Dispose();
        return await Task.WhenAll(outputs);
    }

    /// <summary>One picture, at the size that the plan comes to before cropping. On a compute thread.</summary>
    private Picture Draw(RunningJob job, LoadedModel model, Text2ImgRequest request, RenderPlan plan, int picture, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using DenoisingRun run = model.TextToImage.Encode(SettingsOf(request, plan, model, picture));
        job.Snapshot.TryUse(picture, run.Restore);
        int before = picture * run.Steps;
        int steps = request.NumImages * run.Steps;
        run.Loop(report => OnStep(job, report, picture, before, steps), stop);
        stop.ThrowIfCancellationRequested();

        using PictureBatch batch = run.Decode();
        if (plan.Upscaler is null)
        {
            return batch.ToPictures()[0];
        }

        using Tensor larger = model.Upscaler!.Upscale(batch.Images, stop);
        return PictureTensors.ToPictures(larger)[0];
    }

    private void OnStep(RunningJob job, StepReport report, int picture, int before, int steps)
    {
        int done = before + report.Step;
        job.Snapshot.Update(picture, report.SaveState(), done);
        job.Progress = new JobProgress(done, steps);
        hotState.ShowProgress(job.Claim.Id, job.Claim.LeaseEpoch, job.Progress);
        metrics.StepDone(job.Claim.Model);
    }

    private static Text2ImgSettings SettingsOf(Text2ImgRequest request, RenderPlan plan, LoadedModel model, int picture) => new()
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
    };
}
