using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Euler steps along the probability flow (algorithm 2 of arXiv 2206.00364 without its second half), optionally with noise in each step
/// (s_churn).
/// </summary>
internal sealed class EulerScheduler : VarianceExplodingScheduler
{
    public EulerScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        float sigma = Levels[i];
        double gamma =
            Options.STmin <= sigma && sigma <= Options.STmax ? Math.Min(Options.SChurn / (Levels.Length - 1), Math.Sqrt(2) - 1) : 0;
        float raised = sigma * (float)(gamma + 1);
        if (gamma > 0)
        {
            sample = sample + noise() * Options.SNoise * MathF.Sqrt(raised * raised - sigma * sigma);
        }

        Tensor clean = Config.PredictionType is "epsilon"
            ? Prediction.CleanAt(Config, modelOutput, sample, raised)
            : Prediction.CleanAt(Config, modelOutput, sample, sigma);
        return sample + (sample - clean) / raised * (Levels[i + 1] - raised);
    }
}

/// <summary>
/// Ancestral sampling with Euler steps, from k-diffusion: each step goes below the next noise level and noise is added up to it.
/// </summary>
internal sealed class EulerAncestralScheduler : VarianceExplodingScheduler
{
    public EulerAncestralScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        (float from, float to) = (Levels[i], Levels[i + 1]);
        Tensor clean = Prediction.CleanAt(Config, modelOutput, sample, from, samples: false);
        float up = MathF.Sqrt(to * to * (from * from - to * to) / (from * from));
        float down = MathF.Sqrt(MathF.Max(to * to - up * up, 0));
        Tensor lower = sample + (sample - clean) / from * (down - from);
        return lower + noise() * up;
    }
}
