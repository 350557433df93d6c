using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What the samplers of k-diffusion share (Euler, Heun, LMS, KDPM2): the sample is the clean one plus sigma times noise, and the network
/// gets it scaled to unit variance.
/// </summary>
internal abstract class VarianceExplodingScheduler : Scheduler
{
    private protected VarianceExplodingScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    public override double InitNoiseSigma
    {
        get
        {
            float highest = Levels.Max();
            return Config.TimestepSpacing is "linspace" or "trailing" ? highest : MathF.Sqrt(highest * highest + 1);
        }
    }

    public override Tensor ScaleModelInput(Tensor sample, int i)
    {
        ArgumentNullException.ThrowIfNull(sample);
        float sigma = InputLevel(i);
        return sample / MathF.Sqrt(sigma * sigma + 1);
    }

    private protected virtual float InputLevel(int i) => Levels[i];

    private protected override Tensor Noised(Tensor original, Tensor noise, int i) => original + noise * Levels[i];
}
