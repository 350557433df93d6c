using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The midpoint method of k-diffusion (after DPM-Solver-2, arXiv 2206.00927): a step to the geometric mean of two noise levels, and from
/// the start to the lower level along the slope found there. It calls the network twice per step.
/// </summary>
internal sealed class Kdpm2Scheduler : VarianceExplodingScheduler
{
    private readonly float[] _between;

    public Kdpm2Scheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        _between = Timetable.Midpoints!.Between;
    }

    private bool First => !Kept.Has("sample");

    // The middle level is met in the second half of a step, which begins at an odd index.
    private protected override float InputLevel(int i) => i % 2 == 0 ? Levels[i] : _between[i];

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        if (First)
        {
            float sigma = Levels[i];
            Tensor clean = Prediction.CleanAt(Config, modelOutput, sample, sigma, samples: false);
            Kept.Set("sample", sample);
            return sample + (sample - clean) / sigma * (_between[i + 1] - sigma);
        }

        float middle = _between[i];
        Tensor cleaner = Prediction.CleanAt(Config, modelOutput, sample, middle, samples: false);
        Tensor result = Kept["sample"] + (sample - cleaner) / middle * (Levels[i] - Levels[i - 1]);
        Kept.Remove("sample");
        return result;
    }
}
