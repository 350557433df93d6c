using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Service.Rendering;

/// <summary>
/// Generates a clip from a prompt (with a motion adapter over a model of pictures) or from a picture (Stable Video Diffusion).
/// </summary>
internal sealed class VideoRenderer(
    JobPlans plans,
    ModelCache models,
    ComputeThreads compute,
    DenoisingLoop loop,
    StoredFiles files,
    ClipFinisher finisher
) : IJobRenderer
{
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (VideoRequest)job.Claim.Request;
        CancellationToken stop = job.Stop.Token;
        ClipFinisher.CheckPrograms(request);
        JobPlan plan = plans.Of(job.Claim);
        loop.Show(job, job.Snapshot.Step, plan.Steps);
        Picture? first = request.Image is { } image ? await files.ReadPictureAsync(job, "image", image) : null;
        using ModelLease lease = await models.AcquireAsync(request.Model, ModelUse.Clips, stop);
        LoadedModel model = lease.Model;
        using DenoisingRun run = await compute.PrepareAsync(() => Encode(model, request, plan.Passes[0], first), model.EncodeTurn, stop);
        IReadOnlyList<Picture> frames;
        bool? nsfw;
        await model.LoopTurn.WaitAsync(stop);
        try
        {
            using ComputeTurn turn = await compute.RentAsync(stop);
            (frames, nsfw) = await turn.RunAsync(() =>
            {
                loop.Run(job, run, StepPreview.Make);
                return SafetyGate.Pass(model, request.Safety, Decode(model, run, request, plan.Render!, stop));
            });
        }
        finally
        {
            model.LoopTurn.Release();
        }

        job.Slot.Dispose();
        return [await Task.Run(() => finisher.FinishAsync(job, request, plan.Render!, frames, nsfw), CancellationToken.None)];
    }

    private static DenoisingRun Encode(LoadedModel model, VideoRequest request, PlannedPass pass, Picture? first)
    {
        var window = new StepWindow(pass.Begin, pass.End, pass.Calls);
        if (model.Model.Abilities.HasFlag(ModelAbilities.Text2Video))
        {
            return model.Model.Encode(
                new Text2VideoSettings
                {
                    Prompt = request.Prompt,
                    NegativePrompt = request.NegativePrompt,
                    PromptSyntax = PromptSyntax.Weighted,
                    Width = pass.Width,
                    Height = pass.Height,
                    NumFrames = request.NumFrames,
                    NumInferenceSteps = pass.ScheduledSteps,
                    Window = window,
                    GuidanceScale = request.GuidanceScale,
                    GuidanceRescale = model.Entry.DefaultGuidanceRescale,
                    Seed = request.Seed,
                    Scheduler = SchedulerNames.Resolve(request.Scheduler, model.Scheduler),
                }
            );
        }

        return model.Model.Encode(
            new Img2VideoSettings
            {
                Image = first?.DropAlpha().Fit(pass.Width, pass.Height, FitMode.Crop)
                    ?? throw new SettingException("image", $"is required: {model.Entry.Name} makes clips that begin with a picture."),
                Width = pass.Width,
                Height = pass.Height,
                NumFrames = request.NumFrames,
                // The network was told whole numbers, which begin with 1
                Fps = Math.Max(2, (int)Math.Round(request.Fps)),
                MotionBucketId = request.MotionBucketId ?? 127,
                NoiseAugStrength = request.NoiseAugStrength ?? 0.02,
                MinGuidanceScale = Math.Min(1, request.GuidanceScale),
                MaxGuidanceScale = request.GuidanceScale,
                NumInferenceSteps = pass.ScheduledSteps,
                Window = window,
                Seed = request.Seed,
                Scheduler = SchedulerNames.Resolve(request.Scheduler, model.Scheduler),
            }
        );
    }

    /// <summary>
    /// Decodes the frames and brings them to the requested size, enlarged one by one where the plan says so. Call it on a compute thread.
    /// </summary>
    private static List<Picture> Decode(LoadedModel model, DenoisingRun run, VideoRequest request, RenderPlan plan, CancellationToken stop)
    {
        using PictureBatch batch = run.Decode(stop);
        var frames = new List<Picture>();
        for (int k = 0; k < request.NumFrames; k++)
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Tensor frame = batch.Images.narrow(0, k, 1);
            Picture drawn = PictureTensors.ToPictures(plan.Upscaler is null ? frame : model.Upscaler!.Upscale(frame, stop))[0];
            frames.Add(
                (drawn.Width, drawn.Height) == (request.Width, request.Height)
                    ? drawn
                    : drawn.Fit(request.Width, request.Height, FitMode.Crop)
            );
        }

        return frames;
    }
}
