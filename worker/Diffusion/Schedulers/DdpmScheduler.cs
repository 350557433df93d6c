using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Denoising diffusion probabilistic models, arXiv 2006.11239 (formulas 6, 7 and 15).</summary>
internal sealed class DdpmScheduler : VariancePreservingScheduler
{
    private const float SmallestVariance = 1e-20f;

    private readonly string _varianceType;

    public DdpmScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        _varianceType = config.VarianceType ?? "fixed_small";
        if (_varianceType is not ("fixed_small" or "fixed_small_log" or "fixed_large" or "fixed_large_log" or "learned" or "learned_range"))
        {
            throw new SchedulerException(
                $"variance_type is '{_varianceType}'; it must be fixed_small, fixed_small_log, fixed_large, fixed_large_log, learned or "
                    + "learned_range"
            );
        }
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        float alpha = AlphaAt(Timestep(i));
        float previous = i + 1 < Timesteps.Count ? AlphaAt(Timestep(i + 1)) : 1;
        float beta = 1 - alpha;
        float betaPrevious = 1 - previous;
        float stepAlpha = alpha / previous;
        float stepBeta = 1 - stepAlpha;
        (Tensor? output, Tensor? learned) = SplitVariance(modelOutput, sample);
        Tensor clean = Prediction.Bounded(Config, Prediction.Clean(Config, output, sample, alpha));
        Tensor mean = clean * (MathF.Sqrt(previous) * stepBeta / beta) + sample * (MathF.Sqrt(stepAlpha) * betaPrevious / beta);
        if (Timestep(i) <= 0)
        {
            return mean;
        }

        float small = Math.Max(betaPrevious / beta * stepBeta, SmallestVariance);
        return _varianceType switch
        {
            "fixed_small" => mean + noise() * MathF.Sqrt(small),
            "fixed_small_log" => mean + noise() * MathF.Exp(0.5f * MathF.Log(small)),
            "fixed_large" or "fixed_large_log" => mean + noise() * MathF.Sqrt(stepBeta),
            "learned" => mean + noise() * learned!.sqrt(),
            _ => mean + noise() * Interpolated(learned!, small, stepBeta),
        };
    }

    // The network says where, on a logarithmic scale, the variance lies between its two bounds (arXiv 2102.09672).
    private static Tensor Interpolated(Tensor learned, float small, float large)
    {
        Tensor share = (learned + 1) / 2;
        return ((share * MathF.Log(large) + (1 - share) * MathF.Log(small)) * 0.5).exp();
    }

    private (Tensor Output, Tensor? Variance) SplitVariance(Tensor output, Tensor sample)
    {
        if (_varianceType is not ("learned" or "learned_range"))
        {
            return (output, null);
        }

        long channels = sample.shape[1];
        return output.shape[1] == 2 * channels
            ? (output.narrow(1, 0, channels), output.narrow(1, channels, channels))
            : throw new SchedulerException(
                $"variance_type is '{_varianceType}' and the network gives {output.shape[1]} channels for a sample of {channels}; it "
                    + "must give twice as many"
            );
    }
}
