using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>What the schedulers of rectified flows share: sigma is the share of noise in the sample, 1 to 0.</summary>
internal abstract class FlowMatchScheduler : Scheduler
{
    private protected FlowMatchScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Noised(Tensor original, Tensor noise, int i) => noise * Levels[i] + original * (1 - Levels[i]);
}

/// <summary>
/// Euler steps along a rectified flow (arXiv 2403.03206): the sample is (1 - sigma) clean + sigma noise, and the network predicts the
/// velocity.
/// </summary>
internal sealed class FlowMatchEulerScheduler : FlowMatchScheduler
{
    public FlowMatchEulerScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        (float sigma, float next) = (Levels[i], Levels[i + 1]);
        if (!Config.StochasticSampling)
        {
            return sample + modelOutput * (next - sigma);
        }

        Tensor clean = sample - modelOutput * sigma;
        return clean * (1 - next) + noise() * next;
    }
}

/// <summary>Heun's method along a rectified flow, with two calls of the network per step.</summary>
internal sealed class FlowMatchHeunScheduler : FlowMatchScheduler
{
    private const string Slope = "derivative";

    public FlowMatchHeunScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        bool first = !Kept.Has(Slope);
        float sigma = Levels[first ? i : i - 1];
        float next = Levels[first ? i + 1 : i];
        double gamma =
            Options.STmin <= sigma && sigma <= Options.STmax ? Math.Min(Options.SChurn / (Levels.Length - 1), Math.Sqrt(2) - 1) : 0;
        float raised = sigma * (float)(gamma + 1);
        if (gamma > 0)
        {
            sample = sample + noise() * Options.SNoise * MathF.Sqrt(raised * raised - sigma * sigma);
        }

        if (first)
        {
            Tensor slope = (sample - (sample - modelOutput * sigma)) / raised;
            Kept.Set(Slope, slope);
            Kept.Set("sample", sample);
            return sample + slope * (next - raised);
        }

        Tensor mean = (Kept[Slope] + (sample - (sample - modelOutput * next)) / next) * 0.5;
        Tensor result = Kept["sample"] + mean * (next - raised);
        Kept.Remove(Slope);
        Kept.Remove("sample");
        return result;
    }
}
