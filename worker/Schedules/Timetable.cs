using System.Runtime.InteropServices;

namespace Generation.Schedules;

/// <summary>
/// When a run calls its network: the timesteps and noise levels of a scheduler for a number of steps, and which of them are run. It is
/// plain numbers, without tensors, so that what a job costs is counted by the same lines that run it. The formulas, their order of
/// operations and their precision are those of diffusers 0.35.2.
/// </summary>
public sealed class Timetable
{
    private static readonly Dictionary<string, Func<SchedulerConfig, int, SchedulerOptions, Rows>> Makers = new(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = PreservingRows.Ddim,
        ["DDPMScheduler"] = PreservingRows.Ddpm,
        ["PNDMScheduler"] = PreservingRows.Pndm,
        ["LCMScheduler"] = PreservingRows.Lcm,
        ["TCDScheduler"] = PreservingRows.Tcd,
        ["LMSDiscreteScheduler"] = ExplodingRows.Lms,
        ["EulerDiscreteScheduler"] = ExplodingRows.Euler,
        ["EulerAncestralDiscreteScheduler"] = ExplodingRows.EulerAncestral,
        ["HeunDiscreteScheduler"] = ExplodingRows.Heun,
        ["KDPM2DiscreteScheduler"] = ExplodingRows.Kdpm2,
        ["KDPM2AncestralDiscreteScheduler"] = ExplodingRows.Kdpm2Ancestral,
        ["DPMSolverMultistepScheduler"] = (c, s, o) =>
            SolverRows.Of(c, s, o, SolverRows.Final.Configured, roundShaped: c.BetaSchedule is not "squaredcos_cap_v2"),
        ["DPMSolverSinglestepScheduler"] = (c, s, o) => SolverRows.Of(c, s, o, SolverRows.Final.Configured),
        ["DEISMultistepScheduler"] = (c, s, o) => SolverRows.Of(c, s, o, SolverRows.Final.Repeating),
        ["UniPCMultistepScheduler"] = (c, s, o) => SolverRows.Of(c, s, o, SolverRows.Final.ConfiguredRepeating),
        ["SASolverScheduler"] = (c, s, o) => SolverRows.Of(c, s, o, SolverRows.Final.Repeating),
        ["FlowMatchEulerDiscreteScheduler"] = FlowRows.Euler,
        ["FlowMatchHeunDiscreteScheduler"] = FlowRows.Heun,
    };

    // Those whose arithmetic rests on the spacing have no timesteps of the caller's own.
    private static readonly HashSet<string> WithoutTimesteps = new(StringComparer.Ordinal)
    {
        "DDIMScheduler",
        "PNDMScheduler",
        "LMSDiscreteScheduler",
        "KDPM2DiscreteScheduler",
        "KDPM2AncestralDiscreteScheduler",
        "FlowMatchHeunDiscreteScheduler",
    };

    private static readonly HashSet<string> WithSigmas = new(StringComparer.Ordinal)
    {
        "EulerDiscreteScheduler",
        "FlowMatchEulerDiscreteScheduler",
    };

    private readonly double[] _timesteps;

    private Timetable(SchedulerConfig config, SchedulerOptions options, Rows rows)
    {
        Config = config;
        Options = options;
        Steps = rows.Steps;
        Order = rows.Order;
        Levels = rows.Levels;
        Sigmas = Grid.ToDouble(rows.Levels);
        Midpoints = rows.Midpoints;
        _timesteps = rows.Timesteps;
        Window = options.Window is { } planned ? Checked(planned) : Chosen();
    }

    public SchedulerConfig Config { get; }

    public SchedulerOptions Options { get; }

    /// <summary>The number of steps that were asked for (num_inference_steps); second order methods call the network more often.</summary>
    public int Steps { get; }

    /// <summary>Calls of the network per step: 1, or 2 for second order methods.</summary>
    public int Order { get; }

    /// <summary>The network's time at each call, in the units of its training (0 to num_train_timesteps), noisy first.</summary>
    public IReadOnlyList<double> Timesteps => _timesteps;

    /// <summary>The noise level at each call and after the last one; empty for schedulers that count in timesteps only.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    /// <summary>
    /// Which of the calls are made: all, or those from <see cref="SchedulerOptions.Strength"/> or
    /// <see cref="SchedulerOptions.DenoisingStart"/> on, to <see cref="SchedulerOptions.DenoisingEnd"/>; or as
    /// <see cref="SchedulerOptions.Window"/> says. It may be empty.
    /// </summary>
    public StepWindow Window { get; }

    /// <summary><see cref="Sigmas"/> in the precision that schedulers calculate in.</summary>
    internal float[] Levels { get; }

    /// <summary>For the midpoint methods the levels between two steps; null for others.</summary>
    internal MidpointLevels? Midpoints { get; }

    /// <summary>Computes the timetable of one run.</summary>
    /// <param name="config">The scheduler's class and settings.</param>
    /// <param name="steps">num_inference_steps, 1 to num_train_timesteps; timesteps or sigmas in the options set their own number.</param>
    /// <param name="options">What the run asks for beyond the config.</param>
    /// <exception cref="SchedulerException">A setting has a value that the class does not know, or the steps are out of range.</exception>
    public static Timetable Of(SchedulerConfig config, int steps, SchedulerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        options ??= SchedulerOptions.Default;
        if (options.Timesteps is { } timesteps && (timesteps.Count == 0 || WithoutTimesteps.Contains(config.ClassName)))
        {
            throw new SchedulerException(timesteps.Count == 0 ? "timesteps is empty" : $"{config.ClassName} does not take timesteps");
        }

        if (options.Sigmas is { } sigmas && (sigmas.Count == 0 || !WithSigmas.Contains(config.ClassName)))
        {
            throw new SchedulerException(sigmas.Count == 0 ? "sigmas is empty" : $"{config.ClassName} does not take sigmas");
        }

        return new Timetable(config, options, Makers[config.ClassName](config, steps, options));
    }

    internal static double CheckShare(string name, double value) =>
        value is >= 0 and <= 1 ? value : throw new SchedulerException($"{name} is {value}; it must be between 0 and 1");

    private StepWindow Checked(StepWindow planned) =>
        planned.Of == _timesteps.Length && planned.Begin >= 0 && planned.End <= planned.Of
            ? planned
            : throw new SchedulerException(
                $"the run was planned as calls {planned.Begin} to {planned.End} of {planned.Of}, and the schedule of {Config.ClassName} "
                    + $"has {_timesteps.Length}"
            );

    private StepWindow Chosen()
    {
        int begin = 0;
        if (Options.DenoisingStart is { } start)
        {
            begin = _timesteps.Length - CountBelow(Cutoff(CheckShare("denoising_start", start)));
        }
        else if (CheckShare("strength", Options.Strength) < 1)
        {
            begin = Math.Min(FirstStep(Options.Strength) * Order, _timesteps.Length);
        }

        int end = _timesteps.Length;
        if (Options.DenoisingEnd is { } share && CheckShare("denoising_end", share) is > 0 and < 1)
        {
            if (Options.DenoisingStart >= share)
            {
                throw new SchedulerException($"denoising_start ({Options.DenoisingStart}) must be below denoising_end ({share})");
            }

            double cutoff = Cutoff(share);
            end = begin + _timesteps.Skip(begin).Count(t => t >= cutoff);
        }

        return new StepWindow(begin, end, _timesteps.Length);
    }

    /// <summary>
    /// The step at which a run of a strength begins. Stable Diffusion's pipelines cut the steps that are left to a whole number; those of
    /// flows keep the fraction of a step until the last moment, so that they run one more where it does not come out even.
    /// </summary>
    private int FirstStep(double strength) =>
        Config.IsFlow
            ? (int)Math.Max(Steps - Math.Min(Steps * strength, Steps), 0)
            : Math.Max(Steps - Math.Min((int)(Steps * strength), Steps), 0);

    private double Cutoff(double share) => Math.Round(Config.NumTrainTimesteps - share * Config.NumTrainTimesteps);

    // A second order method is not entered between its two halves.
    private int CountBelow(double cutoff)
    {
        int count = _timesteps.Count(t => t < cutoff);
        return Order == 2 && count % 2 == 0 ? Math.Min(count + 1, _timesteps.Length) : count;
    }
}

/// <summary>What a scheduler's class makes of a run.</summary>
/// <param name="Steps">The number of steps that were asked for.</param>
/// <param name="Timesteps">One for each call of the network.</param>
/// <param name="Levels">One for each call and one after the last; empty where the class has none.</param>
/// <param name="Order">Calls of the network per step.</param>
internal sealed record Rows(int Steps, double[] Timesteps, float[] Levels, int Order = 1)
{
    public MidpointLevels? Midpoints { get; init; }
}

/// <summary>
/// For the midpoint methods: the levels between two steps, and the levels from which they go down past the next one and back up to it.
/// </summary>
internal sealed record MidpointLevels(float[] Between, float[] Up, float[] Down);

/// <summary>The calls of the network that a run makes, as indices into the timesteps of its schedule.</summary>
/// <param name="Begin">The index of the first call.</param>
/// <param name="End">The index after the last call.</param>
/// <param name="Of">How many calls the whole schedule has, which tells a window of another schedule.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StepWindow(int Begin, int End, int Of)
{
    /// <summary>How many calls are made.</summary>
    public int Count => Math.Max(0, End - Begin);
}
