using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Heun's method (algorithm 2 of arXiv 2206.00364): an Euler step, then the mean of the slopes at both its ends. It calls the network twice
/// per step.
/// </summary>
internal sealed class HeunScheduler : VarianceExplodingScheduler
{
    private const string Slope = "derivative";

    public HeunScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        bool first = !Kept.Has(Slope);
        float sigma = Levels[first ? i : i - 1];
        float next = Levels[first ? i + 1 : i];
        float at = first ? sigma : next;
        Tensor clean = Prediction.CleanAt(Config, modelOutput, sample, at);
        if (Config.ClipSample)
        {
            clean = clean.clamp(-Config.ClipSampleRange, Config.ClipSampleRange);
        }

        Tensor slope = (sample - clean) / at;
        if (first)
        {
            Kept.Set(Slope, slope);
            Kept.Set("sample", sample);
            return sample + slope * (next - sigma);
        }

        Tensor result = Kept["sample"] + (Kept[Slope] + slope) / 2 * (next - sigma);
        Kept.Remove(Slope);
        Kept.Remove("sample");
        return result;
    }
}
