using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;

namespace Generation.Diffusion.Families.Flux;

/// <summary>What a run of FLUX determines from its settings before it begins.</summary>
internal sealed record FluxPlan(
    IReadOnlyList<PictureItem> Pictures,
    PictureSize Size,
    Scheduler Scheduler,
    NoiseSource Noise,
    FluxOptions Options
)
{
    public IReadOnlyList<long> Seeds => [.. Pictures.Select(picture => picture.Seed)];

    /// <summary>Checks the settings and plans a run.</summary>
    /// <exception cref="SettingException">A setting has a value that it cannot have.</exception>
    public static FluxPlan For(FluxModel model, DiffusionSettings settings, PictureSize? otherwise = null, double strength = 1)
    {
        settings.Check();
        FluxOptions options = settings.Flux ?? new FluxOptions();
        options.Check();
        var size = PictureSize.Of(settings, otherwise ?? model.NativeSize, model.Multiple);
        IReadOnlyList<PictureItem> pictures = settings.Pictures();
        SchedulerConfig config = settings.Scheduler ?? model.Scheduler;
        if (!config.IsFlow)
        {
            throw new SettingException(
                "scheduler",
                $"is {config.ClassName}; FLUX is a flow-matching model and runs with FlowMatchEulerDiscreteScheduler or "
                    + "FlowMatchHeunDiscreteScheduler."
            );
        }

        int steps = settings.NumInferenceSteps;
        long tokens = (long)(size.Width / model.Multiple) * (size.Height / model.Multiple);
        try
        {
            var shares = new SchedulerOptions { Strength = strength, Window = settings.Window };
            var scheduler = Scheduler.Create(config, steps, shares.ForFlow(config, steps, Shift(config, tokens)));
            if (scheduler.BeginIndex < scheduler.EndIndex)
            {
                return new FluxPlan(
                    pictures,
                    size,
                    scheduler,
                    new NoiseSource(pictures.Select(picture => picture.Seed), model.Device),
                    options
                );
            }

            scheduler.Dispose();
        }
        catch (SchedulerException e)
        {
            throw new SettingException("scheduler", e.Message);
        }

        throw new SettingException(
            "strength",
            $"is {strength}, which leaves none of {steps} steps to run; raise it or num_inference_steps."
        );
    }

    /// <summary>The shape of one picture's latents before packing.</summary>
    public long[] LatentShape(FluxModel model) => model.Vae.Config.LatentShape(Size.Width, Size.Height);

    // Larger pictures need more noise: a straight line through two sizes. https://github.com/black-forest-labs/flux, src/flux/sampling.py
    private static double Shift(SchedulerConfig config, long tokens)
    {
        if (!config.Has("base_shift"))
        {
            return 0;
        }

        double slope = (config.MaxShift - config.BaseShift) / (config.MaxImageSeqLen - config.BaseImageSeqLen);
        return (tokens * slope) + config.BaseShift - (slope * config.BaseImageSeqLen);
    }
}
