namespace Generation.Storage.History;

/// <summary>How busy one model, or the whole system, was in one step of time.</summary>
/// <param name="At">When the step began.</param>
/// <param name="Model">The model; empty for all together.</param>
public sealed record LoadStep(DateTimeOffset At, string Model)
{
    /// <summary>Jobs that waited; null where nobody looked, as while no API ran.</summary>
    public double? Queued { get; init; }

    /// <summary>Jobs that ran.</summary>
    public double? Running { get; init; }

    /// <summary>Workers that lived.</summary>
    public double? Workers { get; init; }

    /// <summary>Jobs that these could run at a time.</summary>
    public double? Slots { get; init; }

    /// <summary>How long the job that waited longest had waited, in seconds.</summary>
    public double? OldestSeconds { get; init; }

    /// <summary>Jobs that succeeded in the step.</summary>
    public long Succeeded { get; set; }

    /// <summary>Jobs that failed in the step.</summary>
    public long Failed { get; set; }

    /// <summary>Jobs that were cancelled in the step.</summary>
    public long Cancelled { get; set; }

    /// <summary>Jobs whose time to begin was over in the step.</summary>
    public long Expired { get; set; }

    /// <summary>What the jobs that ended in the step were charged, in millionths of credits.</summary>
    public long Charged { get; set; }

    /// <summary>How long those that succeeded ran, from start to end.</summary>
    public RunTimeHistogram RunTimes { get; init; } = new();

    /// <summary>How many jobs failed with which error code.</summary>
    public IDictionary<string, long> Failures { get; init; } = new SortedDictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Whether it tells nothing: nothing waited, ran, could have run, or ended.</summary>
    public bool IsIdle =>
        Queued is null or 0 && Running is null or 0 && Workers is null or 0 && Succeeded + Failed + Cancelled + Expired == 0;

    /// <summary>Steps one after another as one: what ended is added, what was is the mean, and of the longest wait the longest.</summary>
    /// <param name="at">When the first began.</param>
    /// <param name="model">The model of all of them.</param>
    /// <param name="steps">One at the least.</param>
    public static LoadStep Join(DateTimeOffset at, string model, IReadOnlyCollection<LoadStep> steps)
    {
        var whole = new LoadStep(at, model)
        {
            Queued = steps.Average(step => step.Queued),
            Running = steps.Average(step => step.Running),
            Workers = steps.Average(step => step.Workers),
            Slots = steps.Average(step => step.Slots),
            OldestSeconds = steps.Max(step => step.OldestSeconds),
        };
        foreach (LoadStep step in steps)
        {
            whole.AddEnded(step);
        }

        return whole;
    }

    /// <summary>Adds the jobs that ended in another.</summary>
    public void AddEnded(LoadStep other)
    {
        Succeeded += other.Succeeded;
        Failed += other.Failed;
        Cancelled += other.Cancelled;
        Expired += other.Expired;
        Charged += other.Charged;
        RunTimes.Add(other.RunTimes);
        foreach ((string code, long jobs) in other.Failures)
        {
            Failures[code] = Failures.TryGetValue(code, out long before) ? before + jobs : jobs;
        }
    }
}
