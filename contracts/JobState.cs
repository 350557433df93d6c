using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>The states of a job's life. Their numbers are stored and never change.</summary>
/// <remarks>
/// <code>
///            +--------- rescued or handed back ---------+
///            v                                          |
/// submit -> queued --- claimed by a worker ---------> running -> succeeded | failed | cancelled
///            |
///            +-> cancelled | expired
/// </code>
/// </remarks>
[JsonConverter(typeof(JsonStringEnumConverter<JobState>))]
public enum JobState
{
    /// <summary>Accepted, paid for by a hold, and waiting for a worker.</summary>
    [JsonStringEnumMemberName("queued")]
    Queued = 0,

    /// <summary>Claimed by one worker, which holds its lease.</summary>
    [JsonStringEnumMemberName("running")]
    Running = 1,

    /// <summary>Its outputs are stored and it is charged. Final.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded = 2,

    /// <summary>It could not be done; nothing is charged. Final.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed = 3,

    /// <summary>Its owner or an operator stopped it; what was not used is not charged. Final.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled = 4,

    /// <summary>No worker began it before its expires_in; nothing is charged. Final.</summary>
    [JsonStringEnumMemberName("expired")]
    Expired = 5,
}

/// <summary>What a state may become.</summary>
public static class JobStates
{
    public static bool IsFinal(this JobState state) => state is not (JobState.Queued or JobState.Running);

    public static bool CanBecome(this JobState from, JobState to) =>
        (from, to) switch
        {
            (JobState.Queued, JobState.Running or JobState.Cancelled or JobState.Expired) => true,
            (JobState.Running, JobState.Succeeded or JobState.Failed or JobState.Cancelled or JobState.Queued) => true,
            _ => false,
        };
}
