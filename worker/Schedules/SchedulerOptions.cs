namespace Generation.Schedules;

/// <summary>
/// What one run asks of its scheduler beyond the config. A scheduler ignores the numbers that it has no use for, as the pipelines of
/// diffusers do; timesteps and sigmas that it cannot follow are refused.
/// </summary>
public sealed record SchedulerOptions
{
    public static SchedulerOptions Default { get; } = new();

    /// <summary>
    /// The share of the noise that DDIM (0 is deterministic, 1 is as DDPM) and TCD add back at each step; null is the scheduler's own
    /// default (DDIM 0, TCD 0.3).
    /// </summary>
    public double? Eta { get; init; }

    /// <summary>For DDIM: whether the predicted noise is computed again from the clipped picture.</summary>
    public bool UseClippedModelOutput { get; init; }

    /// <summary>For Euler and flow-match Heun: how much noise is added within each step (Karras et al., arXiv 2206.00364).</summary>
    public double SChurn { get; init; }

    /// <summary>The lowest sigma at which <see cref="SChurn"/> acts.</summary>
    public double STmin { get; init; }

    /// <summary>The highest sigma at which <see cref="SChurn"/> acts.</summary>
    public double STmax { get; init; } = double.PositiveInfinity;

    /// <summary>The scale of the noise that <see cref="SChurn"/> adds.</summary>
    public double SNoise { get; init; } = 1;

    /// <summary>The order of the linear multistep method (LMS).</summary>
    public int LmsOrder { get; init; } = 4;

    /// <summary>The caller's own timesteps, descending, which replace the spacing; how many there are is the number of steps.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>
    /// The caller's own sigmas, descending. Euler takes them with the final one (steps + 1 values), flow matching without it.
    /// </summary>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>The shift of a flow schedule that is shifted dynamically, by the size of the picture.</summary>
    public double? Mu { get; init; }

    /// <summary>For LCM and TCD: the length of the schedule that the model was distilled on, which replaces the config's.</summary>
    public int? OriginalInferenceSteps { get; init; }

    /// <summary>For LCM and TCD: the share of the distilled schedule from which the steps are taken.</summary>
    public double ScheduleStrength { get; init; } = 1;

    /// <summary>For img2img: the share of the steps that are run, 0 to 1, which sets where <see cref="Timetable.Window"/> begins.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>
    /// The share of the schedule that another model has done already (in a refiner), 0 to 1; replaces <see cref="Strength"/>.
    /// </summary>
    public double? DenoisingStart { get; init; }

    /// <summary>
    /// The share of the schedule after which this run stops (in a base model), 0 to 1, which sets where <see cref="Timetable.Window"/>
    /// ends.
    /// </summary>
    public double? DenoisingEnd { get; init; }

    /// <summary>The calls that are made, where they were planned before; replaces the three shares above.</summary>
    public StepWindow? Window { get; init; }

    /// <summary>
    /// The options for a run of a flow matching model: noise levels in even steps from 1, which the scheduler shifts. Heun's method has
    /// levels of its own.
    /// </summary>
    /// <param name="mu">The shift of the levels, where the config shifts by the picture's size.</param>
    public SchedulerOptions ForFlow(SchedulerConfig config, int steps, double mu)
    {
        ArgumentNullException.ThrowIfNull(config);
        double[] even = [.. Enumerable.Range(0, steps).Select(i => steps == 1 ? 1.0 : 1.0 + (i * ((1.0 / steps) - 1.0) / (steps - 1)))];
        return this with { Mu = mu, Sigmas = config.Has("use_dynamic_shifting") ? even : null };
    }
}
