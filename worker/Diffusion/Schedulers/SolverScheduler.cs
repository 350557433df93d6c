using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What the solvers share that calculate with lambda, half the logarithm of the signal to noise ratio: DPM-Solver, DEIS, UniPC and
/// SA-Solver. The sample is alpha times the clean one plus sigma times noise, where alpha and sigma follow from the noise level.
/// </summary>
internal abstract class SolverScheduler : Scheduler
{
    private protected SolverScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    /// <summary>The scales of signal and noise at a noise level.</summary>
    private protected (float Alpha, float Sigma) Scales(float level)
    {
        if (Config.UseFlowSigmas)
        {
            return (1 - level, level);
        }

        float alpha = 1 / MathF.Sqrt(level * level + 1);
        return (alpha, level * alpha);
    }

    /// <summary>Half the logarithm of the signal to noise ratio at a noise level.</summary>
    private protected float Lambda(float level)
    {
        (float alpha, float sigma) = Scales(level);
        return MathF.Log(alpha) - MathF.Log(sigma);
    }

    /// <summary>The predicted clean sample at an index, thresholded where the config says so.</summary>
    private protected Tensor Clean(Tensor output, int i, Tensor sample)
    {
        (float alpha, float sigma) = Scales(Levels[i]);
        Tensor clean = Config.PredictionType switch
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
        (float alpha, float sigma) = Scales(Levels[i]);
        Tensor epsilon = Config.PredictionType switch
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

        Tensor clean = Prediction.Threshold(Config, (sample - epsilon * sigma) / alpha);
        return (sample - clean * alpha) / sigma;
    }

    private protected override Tensor Noised(Tensor original, Tensor noise, int i)
    {
        (float alpha, float sigma) = Scales(Levels[i]);
        return original * alpha + noise * sigma;
    }

    // Networks that also predict a variance give it in further channels, after the three of a picture.
    private Tensor WithoutVariance(Tensor output) => Config.VarianceType is "learned" or "learned_range" ? output.narrow(1, 0, 3) : output;
}
