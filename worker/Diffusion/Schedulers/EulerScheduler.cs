using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Euler steps along the probability flow (algorithm 2 of arXiv 2206.00364 without its second half), with noise in each step on request (s_churn).</summary>
internal sealed class EulerScheduler : VarianceExplodingScheduler
{
    public EulerScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, options.Sigmas is { } own ? own.Count - 1 : StepsOf(steps, options), options)
    {
        if (options.Sigmas is not null && options.Timesteps is not null)
        {
            throw new SchedulerException("only one of timesteps and sigmas can be given");
        }

        var continuous = config is { TimestepType: "continuous", PredictionType: "v_prediction" };
        if (continuous && options.Timesteps is not null)
        {
            throw new SchedulerException("timesteps cannot be given where timestep_type is continuous");
        }

        double[] timesteps;
        if (options.Sigmas is { } sigmas)
        {
            if (sigmas.Count < 2)
            {
                throw new SchedulerException($"sigmas has {sigmas.Count} values; it needs one a step and the final one");
            }

            SetLevels(Grid.ToSingle(sigmas));
            timesteps = [.. Levels[..^1].Select(s => SigmaShape.Timestep(s, LogTable))];
        }
        else
        {
            (timesteps, var levels) = Plan();
            SetLevels([.. Grid.ToSingle(levels), FinalLevel()]);
        }

        SetTimesteps(continuous
            ? [.. Levels[..^1].Select(s => (double)(0.25f * (float)Math.Log(s)))]
            : [.. timesteps.Select(t => (double)(float)t)]);
    }

    private protected override double[] Interpolated(double[] timesteps) => Config.InterpolationType switch
    {
        "linear" => base.Interpolated(timesteps),
        "log_linear" => [.. Grid.LinspaceSingle(LogTable[^1], LogTable[0], Steps + 1).Select(l => (double)MathF.Exp(l))],
        var other => throw new SchedulerException($"interpolation_type is '{other}'; it must be linear or log_linear"),
    };

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        var sigma = Levels[i];
        var gamma = Options.STmin <= sigma && sigma <= Options.STmax
            ? Math.Min(Options.SChurn / (Levels.Length - 1), Math.Sqrt(2) - 1)
            : 0;
        var raised = sigma * (float)(gamma + 1);
        if (gamma > 0)
        {
            sample = sample + noise() * Options.SNoise * MathF.Sqrt(raised * raised - sigma * sigma);
        }

        var clean = Config.PredictionType is "epsilon"
            ? Prediction.CleanAt(Config, modelOutput, sample, raised)
            : Prediction.CleanAt(Config, modelOutput, sample, sigma);
        return sample + (sample - clean) / raised * (Levels[i + 1] - raised);
    }

    private float FinalLevel() => Config.FinalSigmasType switch
    {
        "zero" => 0,
        "sigma_min" => Table[0],
        var other => throw new SchedulerException($"final_sigmas_type is '{other}'; it must be zero or sigma_min"),
    };
}
