namespace Generation.Schedules;

/// <summary>
/// The schedules of the solvers that calculate with half the logarithm of the signal to noise ratio: DPM-Solver, DEIS, UniPC and SA-Solver.
/// </summary>
internal static class SolverRows
{
    /// <summary>What the last noise level is.</summary>
    public enum Final
    {
        /// <summary>As final_sigmas_type says: zero, or the lowest level of the training.</summary>
        Configured,

        /// <summary>As final_sigmas_type says: zero, or for shaped levels the last one repeated.</summary>
        ConfiguredRepeating,

        /// <summary>The lowest level of the training, or for shaped levels the last one repeated.</summary>
        Repeating,
    }

    /// <summary>Computes the timesteps and noise levels.</summary>
    /// <param name="final">What the last noise level is.</param>
    /// <param name="roundShaped">Whether the timesteps of Karras and Lu levels are rounded; others are truncated.</param>
    public static Rows Of(SchedulerConfig config, int asked, SchedulerOptions options, Final final, bool roundShaped = true)
    {
        int steps = options.Timesteps?.Count ?? asked;
        double flowShift = FlowShift(config, options);
        var schedule = NoiseSchedule.Of(config, keepTerminalFinite: true);
        float[] table = schedule.Sigmas;
        float[] logs = [.. table.Select(Grid.Log)];
        bool shaped =
            config.UseKarrasSigmas || config.UseLuLambdas || config.UseExponentialSigmas || config.UseBetaSigmas || config.UseFlowSigmas;
        if (shaped && options.Timesteps is not null)
        {
            throw new SchedulerException(
                "timesteps cannot be given together with use_karras_sigmas, use_lu_lambdas, use_exponential_sigmas, use_beta_sigmas or "
                    + "use_flow_sigmas"
            );
        }

        double[] timesteps = options.Timesteps is { } own
            ? Spacing.Own(own, config.NumTrainTimesteps)
            : Spacing.Solver(config, steps, config.NumTrainTimesteps - ClippedTimesteps(config, schedule));
        double[] levels;
        double[]? shape = SigmaShape.Of(config, table[^1], table[0], steps);
        if (config.UseLuLambdas && !config.UseKarrasSigmas)
        {
            shape = SigmaShape.Lu(logs[^1], logs[0], steps);
        }

        if (shape is not null)
        {
            levels = shape;
            timesteps = [.. shape.Select(s => SigmaShape.Timestep(s, logs))];
            timesteps =
                roundShaped && (config.UseKarrasSigmas || config.UseLuLambdas) ? Grid.Rounded(timesteps) : Grid.Truncated(timesteps);
        }
        else if (config.UseFlowSigmas)
        {
            levels = FlowLevels(config, steps, flowShift);
            timesteps = Grid.Truncated(levels.Select(s => s * config.NumTrainTimesteps));
        }
        else
        {
            levels = [.. timesteps.Select(t => Grid.Interpolate(table, t))];
        }

        float last = (float)levels[^1];
        float end = final switch
        {
            Final.Configured => Configured(config, table[0]),
            Final.ConfiguredRepeating => Configured(config, shaped ? last : table[0]),
            _ => shaped ? last : table[0],
        };
        return new Rows(steps, timesteps, [.. Grid.ToSingle(levels), end]);
    }

    private static double FlowShift(SchedulerConfig config, SchedulerOptions options) =>
        options.Mu is not { } mu || !config.UseDynamicShifting ? config.FlowShift
        : config.TimeShiftType is "exponential" ? Math.Exp(mu)
        : throw new SchedulerException($"time_shift_type is '{config.TimeShiftType}'; it must be exponential where mu is given");

    // The noisiest timesteps whose lambda is below the clip are left out.
    private static int ClippedTimesteps(SchedulerConfig config, NoiseSchedule schedule)
    {
        if (!config.Has("lambda_min_clipped"))
        {
            return 0;
        }

        double clip = config.LambdaMinClipped;
        return schedule.AlphasCumprod.Reverse().TakeWhile(a => MathF.Log(MathF.Sqrt(a)) - MathF.Log(MathF.Sqrt(1 - a)) < clip).Count();
    }

    private static double[] FlowLevels(SchedulerConfig config, int steps, double shift)
    {
        double[] rising =
        [
            .. Grid.Linspace(1, 1d / config.NumTrainTimesteps, steps + 1).Select(a => 1 - a).Select(s => shift * s / (1 + (shift - 1) * s)),
        ];
        return [.. rising.Reverse().Take(steps)];
    }

    private static float Configured(SchedulerConfig config, float lowest) =>
        config.FinalSigmasType switch
        {
            "zero" => 0,
            "sigma_min" => lowest,
            var other => throw new SchedulerException($"final_sigmas_type is '{other}'; it must be zero or sigma_min"),
        };
}
