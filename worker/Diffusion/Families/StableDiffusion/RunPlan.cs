using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>What every run determines from its settings before it begins: pictures, size, scheduler and noise.</summary>
/// <param name="Size">The size that the network makes.</param>
internal sealed record RunPlan(IReadOnlyList<PictureItem> Pictures, PictureSize Size, Scheduler Scheduler, NoiseSource Noise)
{
    public IReadOnlyList<long> Seeds => [.. Pictures.Select(picture => picture.Seed)];

    /// <summary>Checks the settings and plans a run over a Stable Diffusion model.</summary>
    /// <param name="otherwise">The size where the settings give none.</param>
    /// <exception cref="SettingException">A setting has a value that it cannot have.</exception>
    public static RunPlan For(
        LatentDiffusionModel model,
        DiffusionSettings settings,
        PictureSize? otherwise = null,
        double strength = 1,
        double? denoisingStart = null
    )
    {
        settings.Check();
        var size = PictureSize.Of(settings, otherwise ?? model.NativeSize, model.Vae.Config.Downscale);
        IReadOnlyList<PictureItem> pictures = settings.Pictures();
        Scheduler scheduler = Create(settings.Scheduler ?? model.Scheduler, settings, strength, denoisingStart);
        if (scheduler.BeginIndex >= scheduler.EndIndex)
        {
            scheduler.Dispose();
            throw denoisingStart is null
                ? new SettingException(
                    "strength",
                    $"is {strength}, which leaves none of {settings.NumInferenceSteps} steps to run; raise it or num_inference_steps."
                )
                : new SettingException(
                    "denoising_start",
                    $"is {denoisingStart}, which leaves none of {settings.NumInferenceSteps} steps to run."
                );
        }

        return new RunPlan(pictures, size, scheduler, new NoiseSource(pictures.Select(picture => picture.Seed), model.Device));
    }

    /// <summary>Creates a run's scheduler, and turns its errors into errors of the settings.</summary>
    public static Scheduler Create(SchedulerConfig config, DiffusionSettings settings, double strength = 1, double? denoisingStart = null)
    {
        try
        {
            return Scheduler.Create(
                config,
                settings.NumInferenceSteps,
                new SchedulerOptions
                {
                    Eta = settings.Eta,
                    Strength = strength,
                    DenoisingStart = denoisingStart,
                    DenoisingEnd = settings.DenoisingEnd,
                    Window = settings.Window,
                }
            );
        }
        catch (SchedulerException e)
        {
            throw new SettingException("scheduler", e.Message);
        }
    }

    /// <summary>The shape of one picture's latents.</summary>
    public long[] LatentShape(LatentDiffusionModel model) => model.Vae.Config.LatentShape(Size.Width, Size.Height);
}
