namespace Generation.Schedules;

/// <summary>The schedules of the samplers of k-diffusion: Euler, Heun, LMS and the midpoint methods (KDPM2).</summary>
internal static class ExplodingRows
{
    public static Rows Lms(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options);
        return new Rows(steps, [.. plan.Timesteps.Select(t => (double)(float)t)], [.. Grid.ToSingle(plan.Levels), 0]);
    }

    public static Rows EulerAncestral(SchedulerConfig config, int asked, SchedulerOptions options)
    {
        int steps = options.Timesteps?.Count ?? asked;
        (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options);
        return new Rows(steps, plan.Timesteps, [.. Grid.ToSingle(plan.Levels), 0]);
    }

    public static Rows Euler(SchedulerConfig config, int asked, SchedulerOptions options)
    {
        if (options.Sigmas is not null && options.Timesteps is not null)
        {
            throw new SchedulerException("only one of timesteps and sigmas can be given");
        }

        bool continuous = config is { TimestepType: "continuous", PredictionType: "v_prediction" };
        if (continuous && options.Timesteps is not null)
        {
            throw new SchedulerException("timesteps cannot be given where timestep_type is continuous");
        }

        int steps;
        float[] levels;
        double[] timesteps;
        if (options.Sigmas is { } sigmas)
        {
            if (sigmas.Count < 2)
            {
                throw new SchedulerException($"sigmas has {sigmas.Count} values; it needs one a step and the final one");
            }

            steps = sigmas.Count - 1;
            levels = Grid.ToSingle(sigmas);
            float[] logTable = NoiseTable.Of(config).Logs;
            timesteps = [.. levels[..^1].Select(s => SigmaShape.Timestep(s, logTable))];
        }
        else
        {
            steps = options.Timesteps?.Count ?? asked;
            (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options);
            timesteps = plan.Timesteps;
            levels = [.. Grid.ToSingle(plan.Levels), FinalLevel(config, plan.Table)];
        }

        return new Rows(
            steps,
            continuous ? [.. levels[..^1].Select(s => (double)(0.25f * (float)Math.Log(s)))] : [.. timesteps.Select(t => (double)(float)t)],
            levels
        );
    }

    public static Rows Heun(SchedulerConfig config, int asked, SchedulerOptions options)
    {
        int steps = options.Timesteps?.Count ?? asked;
        (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options);
        return new Rows(
            steps,
            [.. DoubledTail(plan.Timesteps).Select(t => (double)(float)t)],
            [.. DoubledTail(Grid.ToSingle(plan.Levels)), 0],
            Order: 2
        );
    }

    public static Rows Kdpm2(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options, roundKarras: true);
        float[] sigmas = [.. Grid.ToSingle(plan.Levels), 0];
        float[] between = [.. sigmas.Select((s, k) => k == 0 ? s : Middle(s, sigmas[k - 1]))];
        return new Rows(
            steps,
            [
                plan.Timesteps[0],
                .. plan.Timesteps.Skip(1).SelectMany((t, k) => new[] { SigmaShape.TimestepSingle(between[k + 1], plan.Table.Logs), t }),
            ],
            [.. DoubledTail(sigmas), 0],
            Order: 2
        )
        {
            Midpoints = new MidpointLevels([.. DoubledTail(between), 0], [], []),
        };
    }

    public static Rows Kdpm2Ancestral(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        (double[] Timesteps, double[] Levels, NoiseTable Table) plan = Plan(config, steps, options, roundKarras: true);
        float[] sigmas = [.. Grid.ToSingle(plan.Levels), 0];
        float[] up = new float[sigmas.Length];
        float[] down = new float[sigmas.Length];
        float[] between = new float[sigmas.Length];
        for (int k = 0; k + 1 < sigmas.Length; k++)
        {
            (float from, float to) = (sigmas[k], sigmas[k + 1]);
            up[k] = MathF.Sqrt(to * to * (from * from - to * to) / (from * from));
            down[k] = MathF.Sqrt(MathF.Max(to * to - up[k] * up[k], 0));
            between[k] = k + 2 < sigmas.Length ? Middle(from, down[k]) : 0;
        }

        return new Rows(
            steps,
            [
                plan.Timesteps[0],
                .. plan.Timesteps.Skip(1).SelectMany((t, k) => new[] { SigmaShape.TimestepSingle(between[k], plan.Table.Logs), t }),
            ],
            [.. DoubledTail(sigmas), 0],
            Order: 2
        )
        {
            Midpoints = new MidpointLevels([.. DoubledTail(between), 0], [.. DoubledTail(up), 0], [.. DoubledTail(down), 0]),
        };
    }

    /// <summary>Returns the run's timesteps and noise levels by spacing and shape, without the final level.</summary>
    private static (double[] Timesteps, double[] Levels, NoiseTable Table) Plan(
        SchedulerConfig config,
        int steps,
        SchedulerOptions options,
        bool roundKarras = false
    )
    {
        bool shaped = config.UseKarrasSigmas || config.UseExponentialSigmas || config.UseBetaSigmas;
        if (shaped && options.Timesteps is not null)
        {
            throw new SchedulerException(
                "timesteps cannot be given together with use_karras_sigmas, use_exponential_sigmas or use_beta_sigmas"
            );
        }

        var table = NoiseTable.Of(config);
        double[] timesteps = options.Timesteps?.ToArray() ?? Spacing.Continuous(config, steps);
        double[] levels = Interpolated(config, steps, timesteps, table);
        if (SigmaShape.Of(config, levels[0], levels[^1], steps) is not { } shape)
        {
            return (timesteps, levels, table);
        }

        timesteps = [.. shape.Select(s => SigmaShape.Timestep(s, table.Logs))];
        return (config.UseKarrasSigmas && roundKarras ? Grid.Rounded(timesteps) : timesteps, shape, table);
    }

    private static double[] Interpolated(SchedulerConfig config, int steps, double[] timesteps, NoiseTable table) =>
        config.InterpolationType switch
        {
            // Euler alone has the setting
            "linear" or "" => [.. timesteps.Select(t => Grid.Interpolate(table.Sigmas, t))],
            "log_linear" => [.. Grid.LinspaceSingle(table.Logs[^1], table.Logs[0], steps + 1).Select(l => (double)MathF.Exp(l))],
            var other => throw new SchedulerException($"interpolation_type is '{other}'; it must be linear or log_linear"),
        };

    private static float FinalLevel(SchedulerConfig config, NoiseTable table) =>
        config.FinalSigmasType switch
        {
            "zero" => 0,
            "sigma_min" => table.Sigmas[0],
            var other => throw new SchedulerException($"final_sigmas_type is '{other}'; it must be zero or sigma_min"),
        };

    /// <summary>The geometric mean, rounded as torch.lerp of the logarithms rounds it.</summary>
    private static float Middle(float sigma, float other)
    {
        (float a, float b) = (MathF.Log(sigma), MathF.Log(other));
        return MathF.Exp(b - (b - a) * 0.5f);
    }

    /// <summary>Returns each value twice, except the first.</summary>
    private static IEnumerable<T> DoubledTail<T>(IReadOnlyList<T> values) =>
        values.Take(1).Concat(values.Skip(1).SelectMany(v => new[] { v, v }));

    /// <summary>The noise level at each training timestep, ascending, and its logarithm.</summary>
    private sealed record NoiseTable(float[] Sigmas, float[] Logs)
    {
        public static NoiseTable Of(SchedulerConfig config)
        {
            float[] sigmas = NoiseSchedule.Of(config, keepTerminalFinite: true).Sigmas;
            return new NoiseTable(sigmas, [.. sigmas.Select(Grid.Log)]);
        }
    }
}
