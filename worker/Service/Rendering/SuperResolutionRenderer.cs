using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>
/// Enlarges a picture, by an upscaler network, tile by tile, or by a diffusion upscaler, step by step. A job that is handed to another
/// worker begins again with the first, and continues from its latents with the second.
/// </summary>
internal sealed class SuperResolutionRenderer(
    JobPlans plans,
    ModelCache models,
    ComputeThreads compute,
    DenoisingLoop loop,
    StoredFiles files
) : IJobRenderer
{
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (SuperResolutionRequest)job.Claim.Request;
        CancellationToken stop = job.Stop.Token;
        JobPlan plan = plans.Of(job.Claim);
        // A network without steps counts its tiles, once it has the picture
        loop.Show(job, job.Snapshot.Step, Math.Max(1, plan.Steps));
        Picture small = await files.ReadPictureAsync(job, "image", request.Image);
        using ModelLease lease = await models.AcquireAsync(request.Model, stop);
        LoadedModel model = lease.Model;
        Picture larger;
        bool? nsfw;
        await model.LoopTurn.WaitAsync(stop);
        try
        {
            using ComputeTurn turn = await compute.RentAsync(stop);
            (larger, nsfw) = await turn.RunAsync(() =>
                SafetyGate.Pass(
                    model,
                    request.Safety,
                    model.Upscalers is { } networks
                        ? networks.UpscaleBy(small, request.Scale, (done, tiles) => loop.Show(job, done, tiles), stop)
                        : Diffuse(job, model, request, plan, small)
                )
            );
        }
        finally
        {
            model.LoopTurn.Release();
        }

        job.Slot.Dispose();
        return [await Task.Run(() => FinishAsync(job, request, larger, nsfw), CancellationToken.None)];
    }

    /// <summary>Enlarges by diffusion. Call it on a compute thread.</summary>
    private Picture Diffuse(RunningJob job, LoadedModel model, SuperResolutionRequest request, JobPlan plan, Picture small)
    {
        PlannedPass pass = plan.Passes[0];
        model.EncodeTurn.Wait(job.Stop.Token);
        DenoisingRun run;
        try
        {
            run = model.Model.Encode(
                new UpscaleSettings
                {
                    Image = small.DropAlpha(),
                    Prompt = request.Prompt,
                    NegativePrompt = request.NegativePrompt,
                    PromptSyntax = PromptSyntax.Weighted,
                    NumInferenceSteps = pass.ScheduledSteps,
                    Window = new StepWindow(pass.Begin, pass.End, pass.Calls),
                    GuidanceScale = request.GuidanceScale,
                    NoiseLevel = request.NoiseLevel,
                    Seed = request.Seed,
                    Scheduler = SchedulerNames.Resolve(request.Scheduler, model.Scheduler),
                }
            );
        }
        finally
        {
            model.EncodeTurn.Release();
        }

        using (run)
        {
            loop.Run(job, run, _ => null);
            using PictureBatch batch = run.Decode(job.Stop.Token);
            Picture larger = batch.ToPictures()[0];
            // The network works on sides that are multiples of its own; the rest is made up by the filter
            Picture sized = larger.Resize(request.Width, request.Height);
            return small.Channels == 4
                ? sized.WithAlpha(small.AlphaChannel().Resize(request.Width, request.Height, ResamplingFilter.Bicubic))
                : sized;
        }
    }

    private async Task<JobOutput> FinishAsync(RunningJob job, SuperResolutionRequest request, Picture larger, bool? nsfw)
    {
        PictureFormat format = PictureFormats.Find(request.OutputFormat)
            ?? throw new SettingException(
                "output_format",
                $"is '{request.OutputFormat}' and must be one of {string.Join(", ", PictureFormats.Names)}."
            );
        byte[] file = PictureCodec.Encode(format == PictureFormat.Jpeg ? larger.ToRgb() : larger, format, request.OutputQuality);
        FaultPoint.Reach(FaultPoint.Drawn);
        return new JobOutput
        {
            Index = 0,
            Sha256 = await files.PutAsync(job, file, format.ContentType()),
            ContentType = format.ContentType(),
            Bytes = file.LongLength,
            Width = larger.Width,
            Height = larger.Height,
            Seed = request.NumInferenceSteps > 1 ? request.Seed : null,
            Nsfw = nsfw,
            Thumbnail = await files.PutThumbnailAsync(job, larger),
        };
    }
}
