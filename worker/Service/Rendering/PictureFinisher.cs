using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using Generation.Storage;
using Generation.Worker.Jobs;

namespace Generation.Worker.Rendering;

/// <summary>From a computed picture to a stored file: crop to the aspect, resize to the pixel, encode, put into the results store.</summary>
internal sealed class PictureFinisher(StoredFiles files)
{
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
        string sha256 = await files.PutAsync(job, file, format.ContentType());
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
}
