using System.Text.Json;

namespace Generation.Contracts;

/// <summary>A job as the API shows it.</summary>
public sealed record JobDocument
{
    public required JobId Id { get; init; }

    public required JobKind Kind { get; init; }

    public required JobState State { get; init; }

    public required string Model { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the present attempt began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>When the job expires, at no cost, if no worker has begun it.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The position among the queued jobs of its model, where 1 is next; only for a queued job.</summary>
    public long? Position { get; init; }

    /// <summary>The estimated number of seconds until the outputs are there; only for a queued or running job.</summary>
    public double? EtaSeconds { get; init; }

    /// <summary>Why the job does not start, while no worker can run it.</summary>
    public string? WaitingReason { get; init; }

    /// <summary>The same for programs: model_paused or no_worker, with the model.</summary>
    public Notice? WaitingNotice { get; init; }

    /// <summary>The progress of the job; only for a running job.</summary>
    public JobProgress? Progress { get; init; }

    /// <summary>How many times a worker has begun the job.</summary>
    public required int Attempt { get; init; }

    public int Priority { get; init; }

    /// <summary>True once the job's owner has cancelled it; a running job then stops at its next step.</summary>
    public bool? CancelRequested { get; init; }

    public required JobCost Cost { get; init; }

    public IReadOnlyList<JobOutputLink> Outputs { get; init; } = [];

    /// <summary>When the outputs were deleted: by their owner, or at the end of their retention.</summary>
    public DateTimeOffset? OutputsDeletedAt { get; init; }

    public JobError? Error { get; init; }

    /// <summary>The request with every default filled in.</summary>
    public JobRequest? Request { get; init; }

    /// <summary>How the job's pictures get their size.</summary>
    public RenderPlan? Render { get; init; }

    /// <summary>What of the request is not done as it may have been meant, for people; null where there is nothing.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>The same for programs, one for each warning, in their order.</summary>
    public IReadOnlyList<Notice>? WarningNotices { get; init; }

    /// <summary>The metadata that the caller gave with the request.</summary>
    public JsonElement? Metadata { get; init; }

    public required JobLinks Links { get; init; }
}

/// <summary>The credits of a job: <paramref name="Held"/> while it is open, <paramref name="Charged"/> when it is done.</summary>
public sealed record JobCost(Credits Held, Credits Charged);

/// <summary>Paths, on the API's own address, to what can be done with a job.</summary>
public sealed record JobLinks(string Self, string Events, string Cancel)
{
    public static JobLinks Of(JobId id) => new($"/v1/jobs/{id}", $"/v1/jobs/{id}/events", $"/v1/jobs/{id}/cancel");
}

/// <summary>An output and where its bytes are.</summary>
public sealed record JobOutputLink
{
    public required int Index { get; init; }

    /// <summary>
    /// A path on the API's own address, or a full address where the results store gives one. It is signed: whoever has it needs no key
    /// until <see cref="UrlExpiresAt"/>.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>Until when <see cref="Url"/> is valid without a key; the job's document always has a fresh one.</summary>
    public DateTimeOffset? UrlExpiresAt { get; init; }

    /// <summary>
    /// The address of a small JPEG of the output, of at most 256 pixels a side, signed like <see cref="Url"/>; null where there is none.
    /// </summary>
    public string? ThumbnailUrl { get; init; }

    public string? ThumbnailSha256 { get; init; }

    public required string ContentType { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    public long? Seed { get; init; }

    public required long Bytes { get; init; }

    public required string Sha256 { get; init; }

    /// <summary>Whether the safety checker flagged the output; null where it was not checked.</summary>
    public bool? Nsfw { get; init; }

    /// <summary>The number of frames of a clip.</summary>
    public int? Frames { get; init; }

    /// <summary>The frame rate of a clip, in frames per second.</summary>
    public double? Fps { get; init; }

    public double? DurationSeconds { get; init; }

    public RenderPlan? Render { get; init; }

    public static JobOutputLink Of(JobId id, JobOutput output) =>
        new()
        {
            Index = output.Index,
            Url = $"/v1/jobs/{id}/outputs/{output.Index}",
            ThumbnailUrl = output.Thumbnail is null ? null : $"/v1/jobs/{id}/outputs/{output.Index}/thumbnail",
            ThumbnailSha256 = output.Thumbnail,
            ContentType = output.ContentType,
            Width = output.Width,
            Height = output.Height,
            Seed = output.Seed,
            Bytes = output.Bytes,
            Sha256 = output.Sha256,
            Nsfw = output.Nsfw,
            Frames = output.Frames,
            Fps = output.Fps,
            DurationSeconds = output.DurationSeconds,
            Render = output.Render,
        };
}

/// <summary>The progress of a running job: <paramref name="Step"/> of <paramref name="Steps"/> are done.</summary>
public sealed record JobProgress(int Step, int Steps);

/// <summary>Why a job failed: a stable code for programs, a sentence for people, and the field at fault if one is.</summary>
public sealed record JobError(string Code, string Detail, string? Field = null);

/// <summary>What a sentence of ours says, for programs that say it in their own words.</summary>
/// <param name="Code">Which sentence it is; it never changes.</param>
/// <param name="Values">What stands in it, by name: the model, the field, the words.</param>
public sealed record Notice(string Code, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>Makes a notice from pairs of names and values.</summary>
    public static Notice Of(string code, params (string Name, string Value)[] values) =>
        new(code, values.ToDictionary(pair => pair.Name, pair => pair.Value, StringComparer.Ordinal));
}

/// <summary>A sentence for people in English, and the same for programs.</summary>
public sealed record SaidNotice(string Text, Notice Notice);
