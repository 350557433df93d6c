using System.ComponentModel.DataAnnotations;

namespace Generation.Storage.Redis;

/// <summary>What Redis shows: configuration section "Redis" (the address is ConnectionStrings:Redis).</summary>
public sealed record RedisOptions
{
    public const string Section = "Redis";

    /// <summary>Stands before every key and channel, so that several systems can share one Redis.</summary>
    public string KeyPrefix { get; init; } = "";

    /// <summary>A poll waits so long for Redis before it asks PostgreSQL.</summary>
    [Range(5, 60_000)]
    public int TimeoutMilliseconds { get; init; } = 250;

    /// <summary>How long an open job's document stands: bounds for how long a poll can show it if a change did not reach Redis.</summary>
    [Range(1, 3600)]
    public int OpenSeconds { get; init; } = 15;

    /// <summary>How long a finished job's document stands.</summary>
    [Range(1, 86_400)]
    public int FinalSeconds { get; init; } = 600;
}
