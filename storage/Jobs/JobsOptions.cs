using System.ComponentModel.DataAnnotations;

namespace Generation.Storage.Jobs;

/// <summary>The settings of the life of jobs: configuration section "Jobs", the same for API and workers.</summary>
public sealed record JobsOptions
{
    public const string Section = "Jobs";

    /// <summary>How long a worker's claim of a job is valid without being renewed, in seconds.</summary>
    [Range(1, 3600)]
    public double LeaseSeconds { get; init; } = 15;

    /// <summary>How often lapsed leases and expired jobs are looked for, in seconds.</summary>
    [Range(0.05, 600)]
    public double RescueIntervalSeconds { get; init; } = 2;

    /// <summary>How many attempts a job has before it fails, when its workers are lost.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; init; } = 3;

    /// <summary>How long a message may be unclaimed, in seconds, before it is sent again.</summary>
    [Range(0.1, 3600)]
    public double RedispatchSeconds { get; init; } = 30;

    public TimeSpan Lease => TimeSpan.FromSeconds(LeaseSeconds);

    public TimeSpan RescueInterval => TimeSpan.FromSeconds(RescueIntervalSeconds);

    public TimeSpan Redispatch => TimeSpan.FromSeconds(RedispatchSeconds);
}
