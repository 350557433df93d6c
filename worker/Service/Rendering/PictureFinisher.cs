using System.Globalization;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>
/// Turns a computed picture into a stored file: crops it to the aspect ratio, resizes it to the exact size, encodes it and puts it into the
/// results store.
/// </summary>
internal sealed class PictureFinisher(StoredFiles files)
{
    public async Task<JobOutput> FinishAsync(RunningJob job, PictureRecipe recipe, DrawnPicture drawn, int index)
    {
        (PictureRequest request, RenderPlan plan) = (recipe.Request, recipe.Plan.Render!);
        Picture sized = drawn.IsFinished ? drawn.Picture : recipe.Finish(drawn.Picture);
        long seed = unchecked(request.Seed + index);
        PictureFormat format = PictureFormats.Find(request.OutputFormat)
            ?? throw new SettingException(
                "output_format",
                $"is '{request.OutputFormat}' and must be one of {string.Join(", ", PictureFormats.Names)}."
            );
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
            Nsfw = drawn.Nsfw,
            Render = plan,
            Thumbnail = await files.PutThumbnailAsync(job, sized),
        };
    }

    private static string Describe(LoraUse lora) =>
        string.Create(CultureInfo.InvariantCulture, $"{lora.Model}:{lora.Scale}")
        + (lora.TextEncoderScale is { } text ? string.Create(CultureInfo.InvariantCulture, $":te={text}") : "");

    private static string Describe(PictureRequest request, RenderPlan plan, long seed)
    {
        var others = new List<KeyValuePair<string, string>>();
        if (request.GuidanceRescale > 0)
        {
            others.Add(new("CFG rescale", request.GuidanceRescale.ToString(CultureInfo.InvariantCulture)));
        }

        if (request is Img2ImgRequest { Strength: var strength })
        {
            others.Add(new("Denoising strength", strength.ToString(CultureInfo.InvariantCulture)));
        }

        if (request is InpaintRequest { Strength: var inside })
        {
            others.Add(new("Denoising strength", inside.ToString(CultureInfo.InvariantCulture)));
        }

        if (request.HiresFix is { } fix)
        {
            others.Add(new("Hires upscale", fix.Scale.ToString(CultureInfo.InvariantCulture)));
            others.Add(new("Hires steps", fix.Steps.ToString(CultureInfo.InvariantCulture)));
        }

        if (request.Refiner is { } refiner)
        {
            others.Add(new("Refiner", refiner.Model));
            others.Add(new("Refiner switch at", refiner.SwitchAt.ToString(CultureInfo.InvariantCulture)));
        }

        if (request.Loras is { Count: > 0 } loras)
        {
            others.Add(new("Loras", string.Join(' ', loras.Select(Describe))));
        }

        if (request.ClipSkip is { } skip)
        {
            others.Add(new("Clip skip", skip.ToString(CultureInfo.InvariantCulture)));
        }

        if (request.Vae is { } vae)
        {
            others.Add(new("VAE", vae));
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
