using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Generation.Contracts;
using Generation.Schedules;

namespace Generation.Planning;

/// <summary>The schedules of a model's passes, by the scheduler that its files have and the one that a request names.</summary>
internal sealed class PassSchedules
{
    private const int MostKept = 1000;

    /// <summary>An entry lives as long as whoever read it keeps it: what is found out about it goes with it.</summary>
    private static readonly ConditionalWeakTable<ModelEntry, PassSchedules> Known = [];

    /// <summary>
    /// What was asked and found: a timetable goes through the whole training schedule, and most requests ask for the same few.
    /// </summary>
    private readonly ConcurrentDictionary<(string Scheduler, int Steps, SchedulerOptions Shares, bool Clip), (StepWindow, string)> _found =
        new();

    private readonly SchedulerConfig _pictures;
    private readonly SchedulerConfig _clips;

    private PassSchedules(ModelEntry model)
    {
        IsAssumed = model.Network is null;
        _pictures = model.Network is { } network ? SchedulerConfig.FromJson(network.Scheduler) : Assumed(model);
        _clips = _pictures.With(model.MotionScheduler?.Select(setting => KeyValuePair.Create(setting.Key, (object?)setting.Value)) ?? []);
    }

    /// <summary>Whether the model's own scheduler is not known.</summary>
    public bool IsAssumed { get; }

    /// <exception cref="PlanException">The entry's scheduler is none.</exception>
    public static PassSchedules Of(ModelEntry model)
    {
        try
        {
            return Known.GetValue(model, entry => new PassSchedules(entry));
        }
        catch (SchedulerException e)
        {
            throw new PlanException("model", $"is {model.Name}, whose scheduler cannot be used: {e.Message}");
        }
    }

    /// <summary>Whether the model draws along rectified flows.</summary>
    public bool IsFlow => _pictures.IsFlow;

    /// <summary>The calls of the network that a pass makes, and the class of the scheduler.</summary>
    /// <param name="scheduler">As the request names it.</param>
    /// <param name="steps">Of the whole schedule.</param>
    /// <param name="shares">Which part of it is run.</param>
    /// <param name="clip">Whether the pass makes a clip.</param>
    /// <exception cref="PlanException">The scheduler does not fit the model, or not so many steps.</exception>
    public (StepWindow Window, string Scheduler) Find(string scheduler, int steps, SchedulerOptions shares, bool clip)
    {
        (string scheduler, int steps, SchedulerOptions shares, bool clip) asked = (scheduler, steps, shares, clip);
        if (_found.TryGetValue(asked, out (StepWindow, string) known))
        {
            return known;
        }

        try
        {
            SchedulerConfig config = SchedulerNames.Resolve(scheduler, clip ? _clips : _pictures);
            // How far a flow is shifted says where its steps lie, and not how many they are
            StepWindow window = Timetable.Of(config, steps, config.IsFlow ? shares.ForFlow(config, steps, mu: 0) : shares).Window;
            if (_found.Count >= MostKept)
            {
                _found.Clear();
            }

            return _found[asked] = (window, config.ClassName);
        }
        catch (SchedulerException e)
        {
            throw new PlanException("scheduler", $"is {scheduler}: {e.Message}");
        }
    }

    private static SchedulerConfig Assumed(ModelEntry model) =>
        model.Family.StartsWith("flux", StringComparison.Ordinal) || model.DefaultScheduler.StartsWith("flow_", StringComparison.Ordinal)
            ? SchedulerConfig.Of("FlowMatchEulerDiscreteScheduler")
            : SchedulerConfig.Of("PNDMScheduler").With("skip_prk_steps", true);
}
