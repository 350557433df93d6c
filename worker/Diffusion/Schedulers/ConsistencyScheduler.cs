namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What LCM and TCD share: the timesteps of a run are taken from the schedule that the model was distilled on, and
/// each step goes to the clean sample and back to a lower noise.
/// </summary>
internal abstract class ConsistencyScheduler : VariancePreservingScheduler
{
    private protected ConsistencyScheduler(SchedulerConfig config, int steps, SchedulerOptions options, double[] distilled, int? limit)
        : base(config, steps, options)
    {
        if (options.Timesteps is { } own)
        {
            var kept = Own(own, config.NumTrainTimesteps);
            var run = Math.Min((int)(kept.Length * options.ScheduleStrength), kept.Length);
            SetTimesteps(kept[(kept.Length - run)..]);
            return;
        }

        Spacing.CheckSteps(steps, config.NumTrainTimesteps);
        if (steps > distilled.Length || steps > limit)
        {
            throw new SchedulerException(
                $"num_inference_steps is {steps}; the schedule that the model was distilled on has {Math.Min(distilled.Length, limit ?? int.MaxValue)} (original_inference_steps times strength)");
        }

        var share = distilled.Length / (double)steps;
        double[] falling = [.. distilled.Reverse()];
        SetTimesteps([.. Enumerable.Range(0, steps).Select(k => falling[(int)Math.Floor(k * share)])]);
    }

    private protected bool IsLast(int i) => i == Timesteps.Count - 1;

    /// <summary>Every k-th training timestep, k being the training's length over <paramref name="originalSteps"/>.</summary>
    private protected static double[] Distilled(SchedulerConfig config, SchedulerOptions options, int originalSteps)
    {
        var train = config.NumTrainTimesteps;
        if (originalSteps < 1 || originalSteps > train)
        {
            throw new SchedulerException($"original_inference_steps is {originalSteps}; it must be between 1 and num_train_timesteps ({train})");
        }

        var count = (int)(originalSteps * CheckShare("strength", options.ScheduleStrength));
        return [.. Enumerable.Range(1, count).Select(n => (double)n * (train / originalSteps) - 1)];
    }
}
