using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The midpoint method of k-diffusion (after DPM-Solver-2, arXiv 2206.00927): a step to the geometric mean of two
/// noise levels, and from the start to the lower one along the slope found there. Two calls of the network a step.
/// </summary>
internal sealed class Kdpm2Scheduler : VarianceExplodingScheduler
{
    private readonly float[] _between;

    public Kdpm2Scheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        var (timesteps, levels) = Plan(roundKarras: true);
        float[] sigmas = [.. Grid.ToSingle(levels), 0];
        float[] between = [.. sigmas.Select((s, k) => k == 0 ? s : Middle(s, sigmas[k - 1]))];
        SetLevels([.. DoubledTail(sigmas), 0]);
        _between = [.. DoubledTail(between), 0];
        SetTimesteps([timesteps[0], .. timesteps.Skip(1).SelectMany((t, k) => new[] { SigmaShape.TimestepSingle(between[k + 1], LogTable), t })]);
    }

    public override int Order => 2;

    private bool First => !Kept.Has("sample");

    /// <summary>The geometric mean, as torch.lerp of the logarithms comes to it.</summary>
    internal static float Middle(float sigma, float other)
    {
        var (a, b) = (MathF.Log(sigma), MathF.Log(other));
        return MathF.Exp(b - (b - a) * 0.5f);
    }

    // The middle level is met in the second half of a step, which begins at an odd index.
    private protected override float InputLevel(int i) => i % 2 == 0 ? Levels[i] : _between[i];

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        if (First)
        {
            var sigma = Levels[i];
            var clean = Prediction.CleanAt(Config, modelOutput, sample, sigma, samples: false);
            Kept.Set("sample", sample);
            return sample + (sample - clean) / sigma * (_between[i + 1] - sigma);
        }

        var middle = _between[i];
        var cleaner = Prediction.CleanAt(Config, modelOutput, sample, middle, samples: false);
        var result = Kept["sample"] + (sample - cleaner) / middle * (Levels[i] - Levels[i - 1]);
        Kept.Remove("sample");
        return result;
    }
}
