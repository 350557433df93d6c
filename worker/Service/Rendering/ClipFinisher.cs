using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Video;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>Encodes frames into a clip and stores it, with a thumbnail of its middle frame.</summary>
internal sealed class ClipFinisher(StoredFiles files)
{
    /// <summary>Checks, before frames are computed in vain, that this worker can encode them.</summary>
    /// <exception cref="VideoException">The program that encodes clips was removed since the job was accepted.</exception>
    public static void CheckPrograms(VideoRequest request)
    {
        if (VideoFormats.Find(request.OutputFormat) != VideoFormat.Zip && VideoEncoder.Missing is { } missing)
        {
            throw new VideoException($"{missing}.");
        }
    }

    public async Task<JobOutput> FinishAsync(
        RunningJob job,
        VideoRequest request,
        RenderPlan plan,
        IReadOnlyList<Picture> frames,
        bool? nsfw
    )
    {
        VideoFormat format = VideoFormats.Find(request.OutputFormat)
            ?? throw new SettingException(
                "output_format",
                $"is '{request.OutputFormat}' and must be one of {string.Join(", ", VideoFormats.Names)}."
            );
        byte[] clip = await VideoEncoder.EncodeAsync(
            frames,
            request.Fps,
            format,
            request.OutputQuality,
            Describe(request, plan),
            limits: null,
            job.Stop.Token
        );
        FaultPoint.Reach(FaultPoint.Drawn);
        (int width, int height) = format.SizeOf(request.Width, request.Height);
        return new JobOutput
        {
            Index = 0,
            Sha256 = await files.PutAsync(job, clip, format.ContentType()),
            ContentType = format.ContentType(),
            Bytes = clip.LongLength,
            Width = width,
            Height = height,
            Seed = request.Seed,
            Nsfw = nsfw,
            Render = plan,
            Frames = frames.Count,
            Fps = request.Fps,
            DurationSeconds = frames.Count / request.Fps,
            Thumbnail = await files.PutThumbnailAsync(job, frames[frames.Count / 2]),
        };
    }

    private static string Describe(VideoRequest request, RenderPlan plan) =>
        new GenerationParameters
        {
            Prompt = request.Prompt,
            NegativePrompt = request.NegativePrompt,
            Steps = request.NumInferenceSteps,
            Sampler = SchedulerNames.Find(request.Scheduler)?.Title ?? request.Scheduler,
            GuidanceScale = request.GuidanceScale,
            Seed = request.Seed,
            Width = request.Width,
            Height = request.Height,
            Model = request.Model,
            Others =
            [
                new("Frames", $"{request.NumFrames}"),
                new("Generated size", $"{plan.GeneratedWidth}x{plan.GeneratedHeight}"),
                new("Version", $"Generation {typeof(ClipFinisher).Assembly.GetName().Version?.ToString(3)}"),
            ],
        }.ToString();
}
