using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using Generation.Storage;
using Generation.Worker.Jobs;

namespace Generation.Worker.Rendering;

/// <summary>From a computed picture to a stored file: crop to the aspect, resize to the pixel, encode, put into the results store.</summary>
internal sealed class PictureFinisher(IResultsStore results, TimeProvider time, ILogger<PictureFinisher> logger)
{
    /// <summary>How long a finished picture is kept in hand while the results store is away.</summary>
    private static readonly TimeSpan StoreLimit = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(500);

    public async Task<JobOutput> FinishAsync(RunningJob job, Text2ImgRequest request, RenderPlan plan, Picture drawn, int index)
    {
        Picture sized = (drawn.Width, drawn.Height) == (request.Width, request.Height)
            ? drawn
            : drawn.Fit(request.Width, request.Height, FitMode.Crop);
        long seed = unchecked(request.Seed + index);
        PictureFormat format = PictureFormats.Find(request.OutputFormat)
            ?? throw new SettingException("output_format", $"is '{request.OutputFormat}' and must be one of {string.Join(", ", PictureFormats.Names)}.");
        byte[] file = PictureCodec.Encode(sized, format, request.OutputQuality, Describe(request, plan, seed));
        FaultPoint.Reach(FaultPoint.Drawn);
        string sha256 = await StoreAsync(job, file, format.ContentType());
        return new JobOutput
        {
            Index = index,
            Sha256 = sha256,
            ContentType = format.ContentType(),
            Bytes = file.LongLength,
            Width = sized.Width,
            Height = sized.Height,
            Seed = seed,
            Render = plan,
        };
    }

    private static string Describe(Text2ImgRequest request, RenderPlan plan, long seed)
    {
        var others = new List<KeyValuePair<string, string>>();
        if (request.GuidanceRescale > 0)
        {
            others.Add(new("CFG rescale", request.GuidanceRescale.ToString()));
        }

        if (plan.Resized || plan.Upscaler is not null)
        {
            others.Add(new("Generated size", $"{plan.GeneratedWidth}x{plan.GeneratedHeight}"));
        }

        if (plan.Upscaler is not null)
        {
            others.Add(new("Upscaler", plan.Upscaler));
        }

        others.Add(new("Version", $"Generation {typeof(PictureFinisher).Assembly.GetName().Version?.ToString(3)}"));
        return new GenerationParameters
        {
            Prompt = request.Prompt,
            NegativePrompt = request.NegativePrompt,
            Steps = request.NumInferenceSteps,
            Sampler = SchedulerNames.Find(request.Scheduler)?.Title ?? request.Scheduler,
            GuidanceScale = request.GuidanceScale,
            Seed = seed,
            Width = request.Width,
            Height = request.Height,
            Model = request.Model,
            Others = others,
        }.ToString();
    }

    /// <summary>Stores a file through a store that may be away; at a shutdown the job is handed back instead of waiting.</summary>
    private async Task<string> StoreAsync(RunningJob job, byte[] file, string contentType)
    {
        using var limit = new CancellationTokenSource(StoreLimit, time);
        while (true)
        {
            try
            {
                return await results.PutAsync(file, contentType, limit.Token);
            }
            catch (Exception e) when (Transient.Is(e) && !limit.IsCancellationRequested)
            {
                WorkerLog.OutputNotStored(logger, job.Claim.Id, e.Message);
                job.Stop.Token.ThrowIfCancellationRequested();
                await Task.Delay(StorePause, time, job.Stop.Token);
            }
            catch (OperationCanceledException e) when (limit.IsCancellationRequested)
            {
                throw new TimeoutException($"The results store did not take a file within {StoreLimit.TotalSeconds} s.", e);
            }
        }
    }
}
