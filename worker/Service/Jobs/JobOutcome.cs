using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Service.Jobs;

/// <summary>How a job's run ended. The runner turns each outcome into a state of the job in one place.</summary>
internal abstract record JobOutcome
{
    private JobOutcome() { }

    /// <summary>The outputs are made, and their files are stored; where <paramref name="Part"/> says so, some of them.</summary>
    public sealed record Done(IReadOnlyList<JobOutput> Outputs, PartMade? Part = null) : JobOutcome;

    /// <summary>The job cannot be done, here or elsewhere.</summary>
    public sealed record Failed(JobError Error) : JobOutcome;

    /// <summary>The job could not be done here and now; another attempt may succeed.</summary>
    public sealed record Retry(JobError Error) : JobOutcome;

    /// <summary>The job was stopped before its end.</summary>
    public sealed record Stopped(StopReason Reason) : JobOutcome;
}
