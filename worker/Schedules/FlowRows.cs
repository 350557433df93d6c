using System.Numerics;

namespace Generation.Schedules;

/// <summary>The schedules of rectified flows: sigma is the share of noise in the sample, from 1 to 0.</summary>
internal static class FlowRows
{
    public static Rows Euler(SchedulerConfig config, int asked, SchedulerOptions options)
    {
        int steps = options.Sigmas?.Count ?? options.Timesteps?.Count ?? asked;
        Spacing.CheckSteps(steps, config.NumTrainTimesteps);
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
            { Sigmas: { } levels } => Grid.ToDouble(Shifted(config, options, Grid.ToSingle(levels))),
            { Timesteps: { } timesteps } => Grid.ToDouble(
                Shifted(config, options, [.. timesteps.Select(t => (float)t / config.NumTrainTimesteps)])
            ),
            _ => Shifted(config, options, Even(config, steps)),
        };
        float[] single = Grid.ToSingle(SigmaShape.Of(config, shifted[0], shifted[^1], steps) ?? shifted);
        if (config.InvertSigmas)
        {
            single = [.. single.Select(s => 1 - s)];
        }

        double[] at =
            options.Timesteps is { } given && !config.InvertSigmas
                ? [.. given.Select(t => (double)(float)t)]
                : [.. single.Select(s => (double)(s * config.NumTrainTimesteps))];
        return new Rows(steps, at, [.. single, config.InvertSigmas ? 1 : 0]);
    }

    public static Rows Heun(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        Spacing.CheckSteps(steps, config.NumTrainTimesteps);
        float[] single = [.. Even(config, steps).Select(s => (float)StaticShift(config, s))];
        float[] levels = [single[0], .. single.Skip(1).SelectMany(s => new[] { s, s }), 0];
        return new Rows(steps, [.. levels[..^1].Select(s => (double)(s * config.NumTrainTimesteps))], levels, Order: 2);
    }

    private static T StaticShift<T>(SchedulerConfig config, T sigma)
        where T : IBinaryFloatingPointIeee754<T> =>
        T.CreateChecked(config.Shift) * sigma / (T.One + T.CreateChecked(config.Shift - 1) * sigma);

    /// <summary>
    /// Levels spread evenly over the training's. Their ends are shifted here and once more in the run, as the reference implementation
    /// does.
    /// </summary>
    private static double[] Even(SchedulerConfig config, int steps)
    {
        float train = config.NumTrainTimesteps;
        float End(float timestep)
        {
            float sigma = timestep / train;
            return config.UseDynamicShifting ? sigma : StaticShift(config, sigma);
        }

        return [.. Grid.Linspace((double)End(train) * train, (double)End(1) * train, steps).Select(t => t / train)];
    }

    private static T[] Shifted<T>(SchedulerConfig config, SchedulerOptions options, T[] levels)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T[] shifted =
        [
            .. levels.Select(config.UseDynamicShifting ? DynamicShift<T>(config, options.Mu!.Value) : s => StaticShift(config, s)),
        ];
        if (config.ShiftTerminal is { } terminal and not 0)
        {
            T scale = (T.One - shifted[^1]) / T.CreateChecked(1 - terminal);
            shifted = [.. shifted.Select(s => T.One - (T.One - s) / scale)];
        }

        return shifted;
    }

    private static Func<T, T> DynamicShift<T>(SchedulerConfig config, double mu)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T weight = T.CreateChecked(
            config.TimeShiftType switch
            {
                "exponential" => Math.Exp(mu),
                "linear" => mu,
                var other => throw new SchedulerException($"time_shift_type is '{other}'; it must be exponential or linear"),
            }
        );
        return sigma => weight / (weight + (T.One / sigma - T.One));
    }
}
