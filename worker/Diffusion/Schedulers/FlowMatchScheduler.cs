using System.Numerics;
using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>What the schedulers of rectified flows share: sigma is the share of noise in the sample, 1 to 0.</summary>
internal abstract class FlowMatchScheduler : Scheduler
{
    private protected FlowMatchScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        Spacing.CheckSteps(steps, config.NumTrainTimesteps);
    }

    private protected float[] Levels { get; private set; } = [];

    private protected void SetLevels(IEnumerable<float> levels)
    {
        Levels = [.. levels];
        Sigmas = Grid.ToDouble(Levels);
    }

    private protected T StaticShift<T>(T sigma)
        where T : IBinaryFloatingPointIeee754<T> =>
        T.CreateChecked(Config.Shift) * sigma / (T.One + T.CreateChecked(Config.Shift - 1) * sigma);

    /// <summary>
    /// Levels spread evenly over those of the training. Their ends are shifted here and once more in the run, as the
    /// reference does.
    /// </summary>
    private protected double[] Even()
    {
        float train = Config.NumTrainTimesteps;
        float End(float timestep)
        {
            var sigma = timestep / train;
            return Config.UseDynamicShifting ? sigma : StaticShift(sigma);
        }

        return [.. Grid.Linspace((double)End(train) * train, (double)End(1) * train, Steps).Select(t => t / train)];
    }

    // The pipelines of flows keep the fraction of a step until the last moment.
    private protected override int FirstStep(double strength) =>
        (int)Math.Max(Steps - Math.Min(Steps * strength, Steps), 0);

    private protected override Tensor Noised(Tensor original, Tensor noise, int i) =>
        noise * Levels[i] + original * (1 - Levels[i]);
}
