using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Euler steps along a rectified flow (arXiv 2403.03206): the sample is (1 - sigma) clean + sigma noise, and the network gives the velocity.</summary>
internal sealed class FlowMatchEulerScheduler : FlowMatchScheduler
{
    public FlowMatchEulerScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, options.Sigmas?.Count ?? options.Timesteps?.Count ?? steps, options)
    {
        if (config.UseDynamicShifting && options.Mu is null)
        {
            throw new SchedulerException("mu must be given where use_dynamic_shifting is on");
        }

        if (options.Sigmas is { } sigmas && options.Timesteps is { } both && sigmas.Count != both.Count)
        {
            throw new SchedulerException($"sigmas has {sigmas.Count} values and timesteps {both.Count}; they must be as many");
        }

        var levels = options.Sigmas ?? (options.Timesteps is { } own ? [.. own.Select(t => t / config.NumTrainTimesteps)] : Even());
        double[] shifted = [.. levels.Select(Shifted)];
        if (config.ShiftTerminal is { } terminal and not 0)
        {
            var scale = (1 - shifted[^1]) / (1 - terminal);
            shifted = [.. shifted.Select(s => 1 - (1 - s) / scale)];
        }

        float[] single = Grid.ToSingle(SigmaShape.Of(config, shifted[0], shifted[^1], Steps) ?? shifted);
        if (config.InvertSigmas)
        {
            single = [.. single.Select(s => 1 - s)];
        }

        SetLevels([.. single, config.InvertSigmas ? 1 : 0]);
        SetTimesteps(options.Timesteps is { } given && !config.InvertSigmas
            ? [.. given.Select(t => (double)(float)t)]
            : [.. single.Select(s => (double)(s * config.NumTrainTimesteps))]);
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        var (sigma, next) = (Levels[i], Levels[i + 1]);
        if (!Config.StochasticSampling)
        {
            return sample + modelOutput * (next - sigma);
        }

        var clean = sample - modelOutput * sigma;
        return clean * (1 - next) + noise() * next;
    }

    private double Shifted(double sigma)
    {
        if (!Config.UseDynamicShifting)
        {
            return StaticShift(sigma);
        }

        var mu = Options.Mu!.Value;
        var weight = Config.TimeShiftType switch
        {
            "exponential" => Math.Exp(mu),
            "linear" => mu,
            var other => throw new SchedulerException($"time_shift_type is '{other}'; it must be exponential or linear"),
        };
        return weight / (weight + (1 / sigma - 1));
    }
}
