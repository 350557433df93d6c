using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Faces;

/// <summary>Whether an output is shown to everybody. The numbers are stored and never change.</summary>
public enum GalleryStatus
{
    NotSubmitted = 0,

    /// <summary>Its owner has asked to have it shown.</summary>
    Submitted = 1,

    /// <summary>It is shown.</summary>
    Approved = 2,

    Rejected = 3,
}

/// <summary>A picture with the job that made it, as lists of pictures show it.</summary>
public sealed record GalleryOutput
{
    public required JobRow Job { get; init; }

    public required JobOutput Output { get; init; }

    /// <summary>
    /// When it was made: the end of its job, and a millisecond later for each further output, so that no two of a job are equal.
    /// </summary>
    public required DateTimeOffset CreatedAt { get; init; }

    public required GalleryStatus Gallery { get; init; }

    /// <summary>
    /// The enlarged picture with the job that made it, where the account has had the picture enlarged and the result is still stored.
    /// </summary>
    public (JobId Job, JobOutput Output)? Upscaled { get; init; }

    internal static JobOutput ReadOutput(string json) =>
        JsonSerializer.Deserialize<JobOutput>(json, WireJson.Options) ?? throw new InvalidDataException("An output is null.");
}

/// <summary>Which pictures a list shows; properties that are null or empty set no condition.</summary>
public sealed record GalleryFilter
{
    /// <summary>The account of the pictures; null for all accounts.</summary>
    public Guid? AccountId { get; init; }

    public IReadOnlyList<GalleryStatus> Gallery { get; init; } = [];

    public (double? Least, double? Most) Width { get; init; }

    public (double? Least, double? Most) Height { get; init; }

    public (double? Least, double? Most) Steps { get; init; }

    public (double? Least, double? Most) GuidanceScale { get; init; }

    public IReadOnlyList<double> Widths { get; init; } = [];

    public IReadOnlyList<double> Heights { get; init; } = [];

    public IReadOnlyList<double> StepCounts { get; init; } = [];

    public IReadOnlyList<double> GuidanceScales { get; init; } = [];

    /// <summary>The names of models in the catalogue.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    public IReadOnlyList<string>? Schedulers { get; init; }

    public bool? Upscaled { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>Words that must all be in the prompt.</summary>
    public string? Search { get; init; }

    public bool Descending { get; init; } = true;

    /// <summary>The time of the last picture of the page before.</summary>
    public DateTimeOffset? After { get; init; }

    public int Offset { get; init; }

    public int Limit { get; init; } = 50;
}
