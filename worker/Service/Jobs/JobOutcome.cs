using Generation.Contracts;

namespace Generation.Service.Jobs;

/// <summary>How a job's run ended. The runner acts on it in one place.</summary>
internal abstract record JobOutcome
{
    private JobOutcome() { }

    /// <summary>Its files are stored.</summary>
    public sealed record Done(IReadOnlyList<JobOutput> Outputs) : JobOutcome;

    /// <summary>It cannot be done, here or elsewhere.</summary>
    public sealed record Failed(JobError Error) : JobOutcome;

    /// <summary>It could not be done here and now; another attempt may succeed.</summary>
    public sealed record Retry(JobError Error) : JobOutcome;

    /// <summary>It was stopped before its end.</summary>
    public sealed record Stopped(StopReason Reason) : JobOutcome;
}
