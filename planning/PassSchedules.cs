using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Generation.Contracts;
using Generation.Schedules;

namespace Generation.Planning;

/// <summary>Finds the schedules of a model's passes, from the scheduler in its files and the one that a request names.</summary>
internal sealed class PassSchedules
{
    private const int MostKept = 1000;

    /// <summary>
    /// The schedules by entry. They are forgotten together with the entry, which lives as long as whoever has read it keeps it.
    /// </summary>
    private static readonly ConditionalWeakTable<ModelEntry, PassSchedules> Known = [];

    /// <summary>
    /// The windows that were found before: computing a timetable goes through the whole training schedule, and most requests need the same
    /// few.
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

    /// <exception cref="PlanException">The entry's scheduler cannot be used.</exception>
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

    /// <summary>Whether the model is one of rectified flows.</summary>
    public bool IsFlow => _pictures.IsFlow;

    /// <summary>The calls of the network that a pass makes, and the class of the scheduler.</summary>
    /// <param name="scheduler">The scheduler's name in the request.</param>
    /// <param name="steps">The number of steps of the whole schedule.</param>
    /// <param name="shares">The part of the schedule that is run.</param>
    /// <param name="clip">Whether the pass makes a clip.</param>
    /// <exception cref="PlanException">The scheduler does not fit the model, or does not have so many steps.</exception>
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
