using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>What the schedulers of rectified flows share: sigma is the share of noise in the sample, 1 to 0.</summary>
internal abstract class FlowMatchScheduler : Scheduler
{
    private protected FlowMatchScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Noised(Tensor original, Tensor noise, int i) => noise * Levels[i] + original * (1 - Levels[i]);
}
