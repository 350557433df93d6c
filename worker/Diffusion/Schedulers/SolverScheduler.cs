using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What the solvers in half log signal-to-noise (lambda) share: DPM-Solver, DEIS, UniPC and SA-Solver. The sample is
/// alpha times the clean one plus sigma times noise, with alpha and sigma found from the noise level.
/// </summary>
internal abstract class SolverScheduler : Scheduler
{
    private readonly double _flowShift;

    private protected SolverScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, options.Timesteps?.Count ?? steps, options)
    {
        Schedule = NoiseSchedule.Of(config, keepTerminalFinite: true);
        _flowShift = config.FlowShift;
        if (options.Mu is { } mu && config.UseDynamicShifting)
        {
            _flowShift = config.TimeShiftType is "exponential"
                ? Math.Exp(mu)
                : throw new SchedulerException($"time_shift_type is '{config.TimeShiftType}'; it must be exponential where mu is given");
        }
    }

    private protected NoiseSchedule Schedule { get; }

    /// <summary>The noise level at each index and after the last.</summary>
    private protected float[] Levels { get; private set; } = [];

    /// <summary>What stands at the end of the noise levels.</summary>
    private protected enum Final
    {
        /// <summary>By final_sigmas_type: zero, or the lowest of the training.</summary>
        Configured,

        /// <summary>By final_sigmas_type: zero, or the last one once more for shaped levels.</summary>
        ConfiguredRepeating,

        /// <summary>The lowest of the training, or the last one once more for shaped levels.</summary>
        Repeating,
    }

    /// <summary>Lays out timesteps and noise levels.</summary>
    /// <param name="final">What stands at the end.</param>
    /// <param name="roundShaped">Whether the timesteps of Karras and Lu levels are rounded; others are cut.</param>
    private protected void Plan(Final final, bool roundShaped = true)
    {
        var table = Schedule.Sigmas;
        float[] logs = [.. table.Select(Grid.Log)];
        var shaped = Config.UseKarrasSigmas || Config.UseLuLambdas || Config.UseExponentialSigmas || Config.UseBetaSigmas || Config.UseFlowSigmas;
        if (shaped && Options.Timesteps is not null)
        {
            throw new SchedulerException("timesteps cannot be given together with use_karras_sigmas, use_lu_lambdas, use_exponential_sigmas, use_beta_sigmas or use_flow_sigmas");
        }

        var timesteps = Options.Timesteps is { } own
            ? VariancePreservingScheduler.Own(own, Config.NumTrainTimesteps)
            : Spacing.Solver(Config, Steps, Config.NumTrainTimesteps - ClippedTimesteps());
        double[] levels;
        var shape = SigmaShape.Of(Config, table[^1], table[0], Steps);
        if (Config.UseLuLambdas && !Config.UseKarrasSigmas)
        {
            shape = SigmaShape.Lu(logs[^1], logs[0], Steps);
        }

        if (shape is not null)
        {
            levels = shape;
            timesteps = [.. shape.Select(s => SigmaShape.Timestep(s, logs))];
            timesteps = roundShaped && (Config.UseKarrasSigmas || Config.UseLuLambdas) ? Grid.Rounded(timesteps) : Grid.Truncated(timesteps);
        }
        else if (Config.UseFlowSigmas)
        {
            levels = FlowLevels();
            timesteps = Grid.Truncated(levels.Select(s => s * Config.NumTrainTimesteps));
        }
        else
        {
            levels = [.. timesteps.Select(t => Grid.Interpolate(table, t))];
        }

        var last = (float)levels[^1];
        Levels = [.. Grid.ToSingle(levels), final switch
        {
            Final.Configured => Configured(table[0]),
            Final.ConfiguredRepeating => Configured(shaped ? last : table[0]),
            _ => shaped ? last : table[0],
        }];
        Sigmas = Grid.ToDouble(Levels);
        SetTimesteps(timesteps);
    }

    /// <summary>Signal and noise scale at a noise level.</summary>
    private protected (float Alpha, float Sigma) Scales(float level)
    {
        if (Config.UseFlowSigmas)
        {
            return (1 - level, level);
        }

        var alpha = 1 / MathF.Sqrt(level * level + 1);
        return (alpha, level * alpha);
    }

    /// <summary>Half the logarithm of signal to noise at a noise level.</summary>
    private protected float Lambda(float level)
    {
        var (alpha, sigma) = Scales(level);
        return MathF.Log(alpha) - MathF.Log(sigma);
    }

    /// <summary>The predicted clean sample at an index, thresholded where the config says so.</summary>
    private protected Tensor Clean(Tensor output, int i, Tensor sample)
    {
        var (alpha, sigma) = Scales(Levels[i]);
        var clean = Config.PredictionType switch
        {
            "epsilon" => (sample - WithoutVariance(output) * sigma) / alpha,
            "sample" => output,
            "v_prediction" => sample * alpha - output * sigma,
            "flow_prediction" => sample - output * Levels[i],
            _ => throw Prediction.Unknown(Config, "epsilon, sample, v_prediction or flow_prediction"),
        };
        return Config.Thresholding ? Prediction.Threshold(Config, clean) : clean;
    }

    /// <summary>The predicted noise at an index; it follows a thresholded clean sample where the config says so.</summary>
    private protected Tensor Epsilon(Tensor output, int i, Tensor sample, bool threshold)
    {
        var (alpha, sigma) = Scales(Levels[i]);
        var epsilon = Config.PredictionType switch
        {
            "epsilon" => WithoutVariance(output),
            "sample" => (sample - output * alpha) / sigma,
            "v_prediction" => output * alpha + sample * sigma,
            _ => throw Prediction.Unknown(Config, "epsilon, sample or v_prediction"),
        };
        if (!threshold || !Config.Thresholding)
        {
            return epsilon;
        }

        var clean = Prediction.Threshold(Config, (sample - epsilon * sigma) / alpha);
        return (sample - clean * alpha) / sigma;
    }

    private protected override Tensor Noised(Tensor original, Tensor noise, int i)
    {
        var (alpha, sigma) = Scales(Levels[i]);
        return original * alpha + noise * sigma;
    }

    // Networks that also predict a variance give it in further channels, after the three of a picture.
    private Tensor WithoutVariance(Tensor output) =>
        Config.VarianceType is "learned" or "learned_range" ? output.narrow(1, 0, 3) : output;

    // The noisiest timesteps whose lambda is below the clip are left out.
    private int ClippedTimesteps()
    {
        if (!Config.Has("lambda_min_clipped"))
        {
            return 0;
        }

        var clip = Config.LambdaMinClipped;
        return Schedule.AlphasCumprod.Reverse()
            .TakeWhile(a => MathF.Log(MathF.Sqrt(a)) - MathF.Log(MathF.Sqrt(1 - a)) < clip)
            .Count();
    }

    private double[] FlowLevels()
    {
        double[] rising = [.. Grid.Linspace(1, 1d / Config.NumTrainTimesteps, Steps + 1)
            .Select(a => 1 - a)
            .Select(s => _flowShift * s / (1 + (_flowShift - 1) * s))];
        return [.. rising.Reverse().Take(Steps)];
    }

    private float Configured(float lowest) => Config.FinalSigmasType switch
    {
        "zero" => 0,
        "sigma_min" => lowest,
        var other => throw new SchedulerException($"final_sigmas_type is '{other}'; it must be zero or sigma_min"),
    };
}
