using System.Numerics;
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

        // Levels that a caller gives are in single precision from the start, as in the reference; those of the run itself only at the end.
        double[] shifted = options switch
        {
            { Sigmas: { } levels } => Grid.ToDouble(Shifted(Grid.ToSingle(levels))),
            { Timesteps: { } timesteps } => Grid.ToDouble(Shifted([.. timesteps.Select(t => (float)t / config.NumTrainTimesteps)])),
            _ => Shifted(Even()),
        };
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

    private T[] Shifted<T>(T[] levels)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T[] shifted = [.. levels.Select(Config.UseDynamicShifting ? DynamicShift<T>() : StaticShift)];
        if (Config.ShiftTerminal is { } terminal and not 0)
        {
            var scale = (T.One - shifted[^1]) / T.CreateChecked(1 - terminal);
            shifted = [.. shifted.Select(s => T.One - (T.One - s) / scale)];
        }

        return shifted;
    }

    private Func<T, T> DynamicShift<T>()
        where T : IBinaryFloatingPointIeee754<T>
    {
        var mu = Options.Mu!.Value;
        var weight = T.CreateChecked(Config.TimeShiftType switch
        {
            "exponential" => Math.Exp(mu),
            "linear" => mu,
            var other => throw new SchedulerException($"time_shift_type is '{other}'; it must be exponential or linear"),
        });
        return sigma => weight / (weight + (T.One / sigma - T.One));
    }
}
