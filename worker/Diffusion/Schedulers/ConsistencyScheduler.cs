namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What LCM and TCD share: the timesteps of a run are taken from the schedule that the model was distilled on, and
/// each step goes to the clean sample and back to a lower noise.
/// </summary>
internal abstract class ConsistencyScheduler : VariancePreservingScheduler
{
    private protected ConsistencyScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected bool IsLast(int i) => i == Timesteps.Count - 1;
}
