using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What DDIM, DDPM, PNDM, LCM and TCD share: the sample keeps unit variance, and its noise follows from the whole training timestep.
/// </summary>
internal abstract class VariancePreservingScheduler : Scheduler
{
    private protected VariancePreservingScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        Alphas = NoiseSchedule.Of(config, keepTerminalFinite: false).AlphasCumprod;
        FinalAlpha = config.SetAlphaToOne || !config.Has("set_alpha_to_one") ? 1 : Alphas[0];
    }

    /// <summary>The signal power at each training timestep.</summary>
    private protected float[] Alphas { get; }

    /// <summary>The signal power after the last step.</summary>
    private protected float FinalAlpha { get; }

    private protected int Timestep(int i) => (int)Timesteps[i];

    /// <summary>The signal power at a training timestep; before the first one it is the final one.</summary>
    private protected float AlphaAt(int timestep)
    {
        if (timestep >= Alphas.Length)
        {
            throw new SchedulerException(
                $"timestep {timestep} is beyond the training's {Alphas.Length}; steps_offset is {Config.StepsOffset}"
            );
        }

        return timestep >= 0 ? Alphas[timestep] : FinalAlpha;
    }

    private protected override Tensor Noised(Tensor original, Tensor noise, int i)
    {
        float alpha = AlphaAt(Timestep(i));
        return original * MathF.Sqrt(alpha) + noise * MathF.Sqrt(1 - alpha);
    }
}
