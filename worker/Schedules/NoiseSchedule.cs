namespace Generation.Schedules;

/// <summary>
/// The noise that training added at each timestep: the cumulative product of 1 - beta. It is in single precision, with the product
/// accumulated in double precision, as torch.cumprod does on a CPU.
/// </summary>
internal sealed class NoiseSchedule
{
    private NoiseSchedule(float[] alphasCumprod)
    {
        AlphasCumprod = alphasCumprod;
    }

    /// <summary>The signal power left at each timestep, descending.</summary>
    public float[] AlphasCumprod { get; }

    /// <summary>The ratio of noise to signal, sqrt((1 - a) / a), at each timestep, ascending.</summary>
    public float[] Sigmas => [.. AlphasCumprod.Select(a => MathF.Sqrt((1 - a) / a))];

    /// <param name="config">The settings beta_start, beta_end, beta_schedule or trained_betas, and rescale_betas_zero_snr are read.</param>
    /// <param name="keepTerminalFinite">
    /// Whether the alpha of the last timestep is kept at 2^-24 where its signal to noise ratio is zero, because its sigma would be
    /// infinite. Schedulers that calculate with sigmas need this.
    /// </param>
    public static NoiseSchedule Of(SchedulerConfig config, bool keepTerminalFinite)
    {
        float[] betas = Betas(config);
        if (config.RescaleBetasZeroSnr)
        {
            betas = RescaleZeroTerminalSnr(betas);
        }

        float[] alphas = CumulativeProduct([.. betas.Select(b => 1 - b)]);
        if (config.RescaleBetasZeroSnr && keepTerminalFinite)
        {
            alphas[^1] = MathF.Pow(2, -24);
        }

        return new NoiseSchedule(alphas);
    }

    private static float[] Betas(SchedulerConfig config)
    {
        int count = config.NumTrainTimesteps;
        if (config.TrainedBetas is { } trained)
        {
            return Grid.ToSingle(trained);
        }

        return config.BetaSchedule switch
        {
            "linear" => Grid.LinspaceSingle(config.BetaStart, config.BetaEnd, count),
            "scaled_linear" => [.. Grid.LinspaceSingle(Math.Sqrt(config.BetaStart), Math.Sqrt(config.BetaEnd), count).Select(b => b * b)],
            "squaredcos_cap_v2" => BetasFor(count, t => Math.Pow(Math.Cos((t + 0.008) / 1.008 * Math.PI / 2), 2)),
            "exp" when config.ClassName is "HeunDiscreteScheduler" => BetasFor(count, t => Math.Exp(t * -12)),
            "sigmoid" when config.ClassName is "DDPMScheduler" =>
            [
                .. Grid.LinspaceSingle(-6, 6, count)
                    .Select(b => 1 / (1 + MathF.Exp(-b)) * (float)(config.BetaEnd - config.BetaStart) + (float)config.BetaStart),
            ],
            var other => throw new SchedulerException(
                $"beta_schedule is '{other}'; {config.ClassName} knows linear, scaled_linear and squaredcos_cap_v2"
            ),
        };
    }

    // The betas that lead to a given signal power over the time 0 to 1.
    private static float[] BetasFor(int count, Func<double, double> alphaBar)
    {
        const double MaxBeta = 0.999;
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => (float)Math.Min(1 - alphaBar((i + 1d) / count) / alphaBar((double)i / count), MaxBeta)),
        ];
    }

    /// <summary>Algorithm 1 of arXiv 2305.08891: the signal is shifted and scaled so that none is left at the last timestep.</summary>
    private static float[] RescaleZeroTerminalSnr(float[] betas)
    {
        float[] roots = CumulativeProduct([.. betas.Select(b => 1 - b)]).Select(MathF.Sqrt).ToArray();
        (float first, float last) = (roots[0], roots[^1]);
        float scale = first / (first - last);
        float[] bars = roots.Select(r => (r - last) * scale).Select(r => r * r).ToArray();
        return [.. bars.Select((bar, i) => 1 - (i == 0 ? bar : bar / bars[i - 1]))];
    }

    private static float[] CumulativeProduct(float[] values)
    {
        double product = 1d;
        float[] result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            product *= values[i];
            result[i] = (float)product;
        }

        return result;
    }
}
