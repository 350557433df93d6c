using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Euler steps along a rectified flow (arXiv 2403.03206): the sample is (1 - sigma) clean + sigma noise, and the network gives the
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
