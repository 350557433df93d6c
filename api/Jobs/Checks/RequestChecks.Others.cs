using Generation.Contracts;

namespace Generation.Api;

/// <summary>The kinds that do not draw pictures from words: enlarging, and clips.</summary>
internal sealed partial class RequestChecks
{
    private const int MaxNoiseLevel = 350;

    private static readonly string[] VideoFormats = ["mp4", "webm", "gif", "webp", "zip"];

    private CheckedRequest? Check(SuperResolutionBody body)
    {
        StoredPicture? image = Picture("image", body.Image);
        string prompt = Text("prompt", body.Prompt ?? "", MaxPromptLength);
        string negative = Text("negative_prompt", body.NegativePrompt ?? "", MaxPromptLength);
        if (Model(body.Model, JobKind.SuperResolution) is not { } model)
        {
            return null;
        }

        int most = model.Scale ?? 4;
        // A diffusion upscaler knows its own scale only
        int scale = model.IsPlainUpscaler
            ? Range("scale", body.Scale ?? most, 2, most, $" with {model.Name}")
            : Range("scale", body.Scale ?? most, most, most, $" with {model.Name}");
        if (image is not null && !errors.Has("scale"))
        {
            int width = image.Width * scale;
            int height = image.Height * scale;
            if (
                Math.Min(width, height) < model.MinSide
                || Math.Max(width, height) > model.MaxSide
                || (long)width * height > model.MaxPixels
            )
            {
                errors.Add(
                    "image",
                    $"is {image.Width} x {image.Height}, which {scale} times enlarged is {width} x {height}; "
                        + $"{model.Name} makes sides of {model.MinSide} to {model.MaxSide} and {model.MaxPixels} pixels at most"
                );
            }
        }

        var request = new SuperResolutionRequest
        {
            Model = model.Name,
            Image = image!,
            Scale = scale,
            Width = (image?.Width ?? 1) * scale,
            Height = (image?.Height ?? 1) * scale,
            OutputFormat = Choice("output_format", body.OutputFormat ?? Formats[0], Formats),
            OutputQuality = Range("output_quality", body.OutputQuality ?? 90, 1, 100),
            Safety = Safety(model, body.Safety),
        };
        if (!model.IsPlainUpscaler)
        {
            request = request with
            {
                Prompt = prompt,
                NegativePrompt = negative,
                NumInferenceSteps = Range("num_inference_steps", body.NumInferenceSteps ?? model.DefaultSteps, 1, model.MaxSteps),
                GuidanceScale = Range("guidance_scale", body.GuidanceScale ?? model.DefaultGuidanceScale, 0, 50),
                Scheduler = Scheduler(model, body.Scheduler),
                NoiseLevel = Range("noise_level", body.NoiseLevel ?? 20, 0, MaxNoiseLevel),
                Seed = Seed(body.Seed),
            };
        }

        return image is null ? null : Planned(request, model);
    }

    private CheckedRequest? Check(VideoBody body)
    {
        StoredPicture? image = pictures.GetValueOrDefault("image");
        if (Model(body.Model, JobKind.Video) is not { } model)
        {
            return null;
        }

        // A motion adapter moves what words draw; other models move a picture
        bool fromWords = model.MotionAdapter is not null;
        string prompt = fromWords ? Prompt(body.Prompt) : Text("prompt", body.Prompt ?? "", MaxPromptLength);
        if (!fromWords)
        {
            Picture("image", body.Image);
        }
        else if (body.Image is not null)
        {
            errors.Add("image", $"{model.Name} makes clips from words alone; leave the picture out, or name a model that begins with one");
        }

        (int width, int height) = Size(model, body.Width, body.Height, image);
        int frames = Range("num_frames", body.NumFrames ?? model.DefaultFrames, 1, model.MaxFrames, $" with {model.Name}");
        int steps = Range("num_inference_steps", body.NumInferenceSteps ?? model.DefaultSteps, 1, model.MaxSteps);
        var request = new VideoRequest
        {
            Model = model.Name,
            Prompt = prompt,
            NegativePrompt = Text("negative_prompt", body.NegativePrompt ?? "", MaxPromptLength),
            Image = image,
            Width = width,
            Height = height,
            NumFrames = frames,
            Fps = Range("fps", body.Fps ?? model.DefaultFps, 1, 60),
            NumInferenceSteps = steps,
            GuidanceScale = Range("guidance_scale", body.GuidanceScale ?? model.DefaultGuidanceScale, 0, 50),
            Scheduler = Scheduler(model, body.Scheduler),
            Seed = Seed(body.Seed),
            MotionBucketId = body.MotionBucketId is { } motion ? Range("motion_bucket_id", motion, 1, 255) : null,
            NoiseAugStrength = body.NoiseAugStrength is { } noise ? Range("noise_aug_strength", noise, 0, 1) : null,
            OutputFormat = Choice("output_format", body.OutputFormat ?? VideoFormats[0], VideoFormats),
            OutputQuality = Range("output_quality", body.OutputQuality ?? 90, 1, 100),
            Safety = Safety(model, body.Safety),
        };
        return Planned(request, model);
    }
}
