namespace Generation.Schedules;

/// <summary>How the noise levels of a run are spaced between the highest and the lowest, where they do not follow the timesteps.</summary>
internal static class SigmaShape
{
    /// <summary>The noise levels of the spacing that the config names, noisiest first; null where it names none.</summary>
    /// <param name="config">
    /// The settings use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas, sigma_min and sigma_max are read.
    /// </param>
    /// <param name="highest">The highest level where the config names none.</param>
    /// <param name="lowest">The lowest level where the config names none.</param>
    /// <param name="count">The number of levels.</param>
    public static double[]? Of(SchedulerConfig config, double highest, double lowest, int count)
    {
        string[] named = [.. Names.Where(n => n.Uses(config)).Select(n => n.Name)];
        if (named.Length > 1)
        {
            throw new SchedulerException($"only one of {string.Join(", ", named)} can be used");
        }

        (double max, double min) = (config.SigmaMax ?? highest, config.SigmaMin ?? lowest);
        return config switch
        {
            // Karras in LMS has no bounds of its own.
            { UseKarrasSigmas: true, ClassName: "LMSDiscreteScheduler" } => Karras(highest, lowest, count),
            { UseKarrasSigmas: true } => Karras(max, min, count),
            { UseExponentialSigmas: true } => Exponential(max, min, count),
            { UseBetaSigmas: true } => Beta(max, min, count),
            _ => null,
        };
    }

    /// <summary>Levels evenly spaced in their seventh root (Karras et al., arXiv 2206.00364, formula 5).</summary>
    public static double[] Karras(double highest, double lowest, int count)
    {
        const double Rho = 7;
        (double top, double bottom) = (Math.Pow(highest, 1 / Rho), Math.Pow(lowest, 1 / Rho));
        return [.. Grid.Linspace(0, 1, count).Select(r => Math.Pow(top + r * (bottom - top), Rho))];
    }

    /// <summary>Levels evenly spaced in their logarithm.</summary>
    public static double[] Exponential(double highest, double lowest, int count) =>
        [.. Grid.Linspace(Math.Log(highest), Math.Log(lowest), count).Select(Math.Exp)];

    /// <summary>Levels at the quantiles of a beta distribution, dense at both ends (arXiv 2407.12173).</summary>
    public static double[] Beta(double highest, double lowest, int count)
    {
        const double Shape = 0.6;

        // SciPy's median of the shape is the number above one half. The middle level can lie halfway between two of single precision: then
        // that decides.
        double Quantile(double share) => share == 0.5 ? Math.BitIncrement(0.5) : BetaDistribution.Quantile(share, Shape, Shape);
        return [.. Grid.Linspace(0, 1, count).Select(r => lowest + Quantile(1 - r) * (highest - lowest))];
    }

    /// <summary>Levels evenly spaced in lambda, the logarithm of the signal to noise ratio (Lu et al., arXiv 2211.01095).</summary>
    public static double[] Lu(double highestLog, double lowestLog, int count) =>
        [.. Grid.Linspace(0, 1, count).Select(r => Math.Exp(highestLog + r * (lowestLog - highestLog)))];

    /// <summary>The fractional training timestep at which the noise has a level.</summary>
    /// <param name="sigma">The noise level.</param>
    /// <param name="logSigmas">The logarithm of the level at each training timestep, ascending.</param>
    public static double Timestep(double sigma, float[] logSigmas)
    {
        double logSigma = Math.Log(Math.Max(sigma, 1e-10));
        int low = Below(logSigma, logSigmas);
        double weight = Math.Clamp((logSigmas[low] - logSigma) / (logSigmas[low] - logSigmas[low + 1]), 0, 1);
        return (1 - weight) * low + weight * (low + 1);
    }

    /// <summary>
    /// The same as <see cref="Timestep(double, float[])"/> for a level in single precision. NumPy keeps all but the timestep in single
    /// precision.
    /// </summary>
    public static double Timestep(float sigma, float[] logSigmas)
    {
        (int low, float weight) = Place(sigma, logSigmas);
        return (double)(1 - weight) * low + (double)weight * (low + 1);
    }

    /// <summary>
    /// The same as <see cref="Timestep(float, float[])"/> with the timestep in single precision, too, as torch multiplies such a number
    /// with an integer.
    /// </summary>
    public static float TimestepSingle(float sigma, float[] logSigmas)
    {
        (int low, float weight) = Place(sigma, logSigmas);
        return (1 - weight) * low + weight * (low + 1);
    }

    private static (int Low, float Weight) Place(float sigma, float[] logSigmas)
    {
        float logSigma = Grid.Log(MathF.Max(sigma, 1e-10f));
        int low = Below(logSigma, logSigmas);
        return (low, Math.Clamp((logSigmas[low] - logSigma) / (logSigmas[low] - logSigmas[low + 1]), 0, 1));
    }

    // The last timestep of all with a level no higher (where zero terminal SNR is held finite, the last level can be below others), but
    // one.
    private static int Below(double logSigma, float[] logSigmas) =>
        Math.Clamp(Array.FindLastIndex(logSigmas, level => logSigma >= level), 0, logSigmas.Length - 2);

    private static readonly (string Name, Func<SchedulerConfig, bool> Uses)[] Names =
    [
        ("use_karras_sigmas", c => c.UseKarrasSigmas),
        ("use_exponential_sigmas", c => c.UseExponentialSigmas),
        ("use_beta_sigmas", c => c.UseBetaSigmas),
    ];
}
