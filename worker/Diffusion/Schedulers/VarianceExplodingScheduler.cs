using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What the samplers of k-diffusion share (Euler, Heun, LMS, KDPM2): the sample is the clean one plus sigma times
/// noise, and the network is given it scaled to unit variance.
/// </summary>
internal abstract class VarianceExplodingScheduler : Scheduler
{
    private protected VarianceExplodingScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        Table = NoiseSchedule.Of(config, keepTerminalFinite: true).Sigmas;
        LogTable = [.. Table.Select(Grid.Log)];
    }

    public override double InitNoiseSigma
    {
        get
        {
            var highest = Levels.Max();
            return Config.TimestepSpacing is "linspace" or "trailing" ? highest : MathF.Sqrt(highest * highest + 1);
        }
    }

    public override Tensor ScaleModelInput(Tensor sample, int i)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var sigma = InputLevel(i);
        return sample / MathF.Sqrt(sigma * sigma + 1);
    }

    /// <summary>The noise level at each training timestep, rising.</summary>
    private protected float[] Table { get; }

    private protected float[] LogTable { get; }

    /// <summary>The noise level at each index and after the last.</summary>
    private protected float[] Levels { get; private set; } = [];

    private protected virtual float InputLevel(int i) => Levels[i];

    private protected void SetLevels(IEnumerable<float> levels)
    {
        Levels = [.. levels];
        Sigmas = Grid.ToDouble(Levels);
    }

    /// <summary>The run's timesteps and noise levels by spacing and shape, without the final level.</summary>
    private protected (double[] Timesteps, double[] Levels) Plan(bool roundKarras = false)
    {
        var shaped = Config.UseKarrasSigmas || Config.UseExponentialSigmas || Config.UseBetaSigmas;
        if (shaped && Options.Timesteps is not null)
        {
            throw new SchedulerException("timesteps cannot be given together with use_karras_sigmas, use_exponential_sigmas or use_beta_sigmas");
        }

        var timesteps = Options.Timesteps?.ToArray() ?? Spacing.Continuous(Config, Steps);
        var levels = Interpolated(timesteps);
        if (SigmaShape.Of(Config, levels[0], levels[^1], Steps) is not { } shape)
        {
            return (timesteps, levels);
        }

        timesteps = [.. shape.Select(s => SigmaShape.Timestep(s, LogTable))];
        return (Config.UseKarrasSigmas && roundKarras ? Grid.Rounded(timesteps) : timesteps, shape);
    }

    private protected virtual double[] Interpolated(double[] timesteps) =>
        [.. timesteps.Select(t => Grid.Interpolate(Table, t))];

    private protected override Tensor Noised(Tensor original, Tensor noise, int i) => original + noise * Levels[i];

    /// <summary>Steps as given, or as many as the caller's own timesteps.</summary>
    private protected static int StepsOf(int steps, SchedulerOptions options) => options.Timesteps?.Count ?? steps;

    /// <summary>Each value twice but the first.</summary>
    private protected static IEnumerable<T> DoubledTail<T>(IReadOnlyList<T> values) =>
        values.Take(1).Concat(values.Skip(1).SelectMany(v => new[] { v, v }));
}
