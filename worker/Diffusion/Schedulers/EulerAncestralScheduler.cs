using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

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
