namespace Generation.Schedules;

/// <summary>
/// What one run asks of its scheduler beyond the config. A scheduler that has no use for a number here leaves it aside, as the pipelines of
/// diffusers do; timesteps and sigmas that it cannot follow are refused.
/// </summary>
public sealed record SchedulerOptions
{
    public static SchedulerOptions Default { get; } = new();

    /// <summary>
    /// Share of the noise that DDIM (0 deterministic, 1 as DDPM) and TCD add back at each step; null is the
    /// scheduler's own default (DDIM 0, TCD 0.3).
    /// </summary>
    public double? Eta { get; init; }

    /// <summary>DDIM: the noise prediction is derived again from the clipped picture.</summary>
    public bool UseClippedModelOutput { get; init; }

    /// <summary>Euler and flow-match Heun: noise added within each step (Karras et al., arXiv 2206.00364).</summary>
    public double SChurn { get; init; }

    /// <summary>The lowest sigma at which <see cref="SChurn"/> acts.</summary>
    public double STmin { get; init; }

    /// <summary>The highest sigma at which <see cref="SChurn"/> acts.</summary>
    public double STmax { get; init; } = double.PositiveInfinity;

    /// <summary>Scale of the noise that <see cref="SChurn"/> adds.</summary>
    public double SNoise { get; init; } = 1;

    /// <summary>The order of the linear multistep method (LMS).</summary>
    public int LmsOrder { get; init; } = 4;

    /// <summary>Timesteps of the caller's own, descending, in place of the spacing; their number is the number of steps.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>
    /// Sigmas of the caller's own, descending. Euler takes them with the final one (steps + 1 values),
    /// flow matching without it.
    /// </summary>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>The shift of a dynamically shifted flow schedule, which depends on the size of the picture.</summary>
    public double? Mu { get; init; }

    /// <summary>LCM and TCD: the length of the schedule that the model was distilled on, in place of the config's.</summary>
    public int? OriginalInferenceSteps { get; init; }

    /// <summary>LCM and TCD: the share of the distilled schedule from which the steps are taken.</summary>
    public double ScheduleStrength { get; init; } = 1;

    /// <summary>Image-to-image: the share of the steps that are run, 0 to 1; sets where <see cref="Timetable.Window"/> begins.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>
    /// The share of the schedule that another model has done already (the refiner's side), 0 to 1; takes the place of
    /// <see cref="Strength"/>.
    /// </summary>
    public double? DenoisingStart { get; init; }

    /// <summary>
    /// The share of the schedule after which this run stops (the base model's side), 0 to 1; sets where <see cref="Timetable.Window"/>
    /// ends.
    /// </summary>
    public double? DenoisingEnd { get; init; }

    /// <summary>The calls that are made, where that was planned before; takes the place of the three shares above.</summary>
    public StepWindow? Window { get; init; }

    /// <summary>
    /// The same for a run of a flow-matching model: noise levels in even steps from 1, which the scheduler shifts. Heun's method
    /// has levels of its own.
    /// </summary>
    /// <param name="mu">How far the levels are shifted where the config shifts by the picture's size.</param>
    public SchedulerOptions ForFlow(SchedulerConfig config, int steps, double mu)
    {
        ArgumentNullException.ThrowIfNull(config);
        double[] even = [.. Enumerable.Range(0, steps).Select(i => steps == 1 ? 1.0 : 1.0 + (i * ((1.0 / steps) - 1.0) / (steps - 1)))];
        return this with { Mu = mu, Sigmas = config.Has("use_dynamic_shifting") ? even : null };
    }
}
