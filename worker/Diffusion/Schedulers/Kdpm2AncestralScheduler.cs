using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The ancestral form of <see cref="Kdpm2Scheduler"/>: each step goes below the next noise level and noise is added up to it.
/// </summary>
internal sealed class Kdpm2AncestralScheduler : VarianceExplodingScheduler
{
    private readonly float[] _between;
    private readonly float[] _up;
    private readonly float[] _down;

    public Kdpm2AncestralScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        (_between, _up, _down) = Timetable.Midpoints!;
    }

    private protected override float InputLevel(int i) => i % 2 == 0 ? Levels[i] : _between[i - 1];

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        if (!Kept.Has("sample"))
        {
            float sigma = Levels[i];
            Tensor clean = Prediction.CleanAt(Config, modelOutput, sample, sigma, samples: false);
            Kept.Set("sample", sample);
            return sample + (sample - clean) / sigma * (_between[i] - sigma);
        }

        float middle = _between[i - 1];
        Tensor cleaner = Prediction.CleanAt(Config, modelOutput, sample, middle, samples: false);
        Tensor lower = Kept["sample"] + (sample - cleaner) / middle * (_down[i - 1] - Levels[i - 1]);
        Kept.Remove("sample");
        return lower + noise() * _up[i - 1];
    }
}
