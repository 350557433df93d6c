namespace Generation.Diffusion.Schedulers;

public abstract partial class Scheduler
{
    private static readonly Dictionary<string, Func<SchedulerConfig, int, SchedulerOptions, Scheduler>> Makers = new(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = (c, s, o) => new DdimScheduler(c, s, o),
        ["DDPMScheduler"] = (c, s, o) => new DdpmScheduler(c, s, o),
        ["PNDMScheduler"] = (c, s, o) => new PndmScheduler(c, s, o),
        ["LMSDiscreteScheduler"] = (c, s, o) => new LmsScheduler(c, s, o),
        ["EulerDiscreteScheduler"] = (c, s, o) => new EulerScheduler(c, s, o),
        ["EulerAncestralDiscreteScheduler"] = (c, s, o) => new EulerAncestralScheduler(c, s, o),
        ["HeunDiscreteScheduler"] = (c, s, o) => new HeunScheduler(c, s, o),
        ["KDPM2DiscreteScheduler"] = (c, s, o) => new Kdpm2Scheduler(c, s, o),
        ["KDPM2AncestralDiscreteScheduler"] = (c, s, o) => new Kdpm2AncestralScheduler(c, s, o),
        ["DPMSolverMultistepScheduler"] = (c, s, o) => new DpmSolverMultistepScheduler(c, s, o),
        ["DPMSolverSinglestepScheduler"] = (c, s, o) => new DpmSolverSinglestepScheduler(c, s, o),
        ["DEISMultistepScheduler"] = (c, s, o) => new DeisScheduler(c, s, o),
        ["UniPCMultistepScheduler"] = (c, s, o) => new UniPcScheduler(c, s, o),
        ["SASolverScheduler"] = (c, s, o) => new SaSolverScheduler(c, s, o),
        ["LCMScheduler"] = (c, s, o) => new LcmScheduler(c, s, o),
        ["TCDScheduler"] = (c, s, o) => new TcdScheduler(c, s, o),
        ["FlowMatchEulerDiscreteScheduler"] = (c, s, o) => new FlowMatchEulerScheduler(c, s, o),
        ["FlowMatchHeunDiscreteScheduler"] = (c, s, o) => new FlowMatchHeunScheduler(c, s, o),
    };

    /// <summary>Builds the scheduler of one run.</summary>
    /// <param name="config">The scheduler's class and settings.</param>
    /// <param name="steps">num_inference_steps, 1 to num_train_timesteps; timesteps or sigmas in the options set their own number.</param>
    /// <param name="options">What the run asks for beyond the config.</param>
    /// <exception cref="SchedulerException">A setting has a value that the class does not know, or the steps are out of range.</exception>
    public static Scheduler Create(SchedulerConfig config, int steps, SchedulerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Makers[config.ClassName](config, steps, options ?? SchedulerOptions.Default);
    }
}
