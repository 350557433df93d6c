using System.Text.Json;
using Generation.Contracts;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>A job as its row in PostgreSQL has it, with its outputs.</summary>
public sealed record JobRow
{
    public required JobId Id { get; init; }

    public required Guid AccountId { get; init; }

    public required JobKind Kind { get; init; }

    public required string Model { get; init; }

    public required JobState State { get; init; }

    /// <summary>The request as JSON, which <see cref="ReadRequest"/> parses.</summary>
    public required string Request { get; init; }

    /// <summary>
    /// The plan as JSON, with its version. Rows that were written before there were plans have a <see cref="RenderPlan"/> only.
    /// </summary>
    public string? Plan { get; init; }

    public int Priority { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public int Attempt { get; init; }

    public long LeaseEpoch { get; init; }

    public string? WorkerId { get; init; }

    /// <summary>A number that grows by one with each change: of two documents of a job the one with the higher revision is newer.</summary>
    public required long Revision { get; init; }

    public bool CancelRequested { get; init; }

    public required Credits Cost { get; init; }

    public Credits Charged { get; init; }

    public JobError? Error { get; init; }

    public JsonElement? Metadata { get; init; }

    public JobCheckpoint? Checkpoint { get; init; }

    public string? WebhookUrl { get; init; }

    public string[]? WebhookEvents { get; init; }

    public DateTimeOffset? OutputsDeletedAt { get; init; }

    /// <summary>How long a job that was just submitted is expected to run, in seconds.</summary>
    public double? ExpectedSeconds { get; init; }

    /// <summary>The position in the queue of a job that was just submitted, if the submission has found it out.</summary>
    public QueuePlace? Place { get; init; }

    public IReadOnlyList<JobOutput> Outputs { get; init; } = [];

    /// <summary>
    /// The columns of the statements that return jobs, in the order in which <see cref="Read"/> reads them; others may follow.
    /// </summary>
    internal static readonly IReadOnlyList<string> Columns =
    [
        "id",
        "account_id",
        "kind",
        "model",
        "state",
        "request",
        "render",
        "priority",
        "created_at",
        "started_at",
        "finished_at",
        "expires_at",
        "attempt",
        "lease_epoch",
        "worker_id",
        "revision",
        "cancel_requested",
        "cost",
        "charged",
        "error",
        "metadata",
        "checkpoint",
        "webhook_url",
        "webhook_events",
        "outputs_deleted_at",
    ];

    /// <summary>The request, where whoever made the row has it already; it is not parsed again then.</summary>
    internal JobRequest? KnownRequest { get; init; }

    /// <summary>The plan, where whoever made the row has it already.</summary>
    internal JobPlan? KnownPlan { get; init; }

    public JobRequest ReadRequest() =>
        KnownRequest
        ?? JsonSerializer.Deserialize<JobRequest>(Request, WireJson.Options)
        ?? throw new InvalidDataException($"The request of job {Id} is null.");

    /// <summary>The plan of the job; null where there is none of the present version.</summary>
    public JobPlan? ReadPlan() => KnownPlan ?? StoredPlan().Plan;

    /// <summary>How the job's pictures get their size, as far as that is known.</summary>
    public RenderPlan? ReadRender() => KnownPlan is { } known ? known.Render : StoredPlan().Render;

    private (JobPlan? Plan, RenderPlan? Render) StoredPlan()
    {
        if (Plan is null)
        {
            return (null, null);
        }

        using var stored = JsonDocument.Parse(Plan);
        if (!stored.RootElement.TryGetProperty("version", out JsonElement version))
        {
            return (null, stored.Deserialize<RenderPlan>(WireJson.Options));
        }

        JobPlan? plan = version.GetInt32() == JobPlan.CurrentVersion ? stored.Deserialize<JobPlan>(WireJson.Options) : null;
        return (plan, plan?.Render);
    }

    /// <summary>The job as the API shows it, without what changes from second to second (position, estimate, progress).</summary>
    public JobDocument ToDocument() =>
        new()
        {
            Id = Id,
            Kind = Kind,
            State = State,
            Model = Model,
            CreatedAt = CreatedAt,
            StartedAt = StartedAt,
            FinishedAt = FinishedAt,
            ExpiresAt = State == JobState.Queued ? ExpiresAt : null,
            Attempt = Attempt,
            Priority = Priority,
            CancelRequested = CancelRequested ? true : null,
            Cost = new JobCost(State.IsFinal() ? Credits.Zero : Cost, Charged),
            Outputs = [.. Outputs.Select(o => JobOutputLink.Of(Id, o))],
            OutputsDeletedAt = OutputsDeletedAt,
            Error = Error,
            Request = ReadRequest(),
            Render = ReadRender(),
            Warnings = ReadPlan()?.Warnings,
            WarningNotices = ReadPlan()?.WarningNotices,
            Metadata = Metadata,
            Links = JobLinks.Of(Id),
        };

    internal static JobRow Read(NpgsqlDataReader r) =>
        new()
        {
            Id = new JobId(r.GetGuid(0)),
            AccountId = r.GetGuid(1),
            Kind = (JobKind)r.GetInt16(2),
            Model = r.GetString(3),
            State = (JobState)r.GetInt16(4),
            Request = r.GetString(5),
            Plan = Text(r, 6),
            Priority = r.GetInt32(7),
            CreatedAt = r.GetFieldValue<DateTimeOffset>(8),
            StartedAt = Time(r, 9),
            FinishedAt = Time(r, 10),
            ExpiresAt = Time(r, 11),
            Attempt = r.GetInt32(12),
            LeaseEpoch = r.GetInt64(13),
            WorkerId = Text(r, 14),
            Revision = r.GetInt64(15),
            CancelRequested = r.GetBoolean(16),
            Cost = new Credits(r.GetInt64(17)),
            Charged = new Credits(r.GetInt64(18)),
            Error = Json<JobError>(Text(r, 19)),
            Metadata = Text(r, 20) is { } metadata ? JsonSerializer.Deserialize<JsonElement>(metadata) : null,
            Checkpoint = Json<JobCheckpoint>(Text(r, 21)),
            WebhookUrl = Text(r, 22),
            WebhookEvents = r.IsDBNull(23) ? null : r.GetFieldValue<string[]>(23),
            OutputsDeletedAt = Time(r, 24),
        };

    internal static JobRow ReadWithOutputs(NpgsqlDataReader r) =>
        Read(r) with
        {
            Outputs = Json<JobOutput[]>(Text(r, Columns.Count)) ?? [],
        };

    private static string? Text(NpgsqlDataReader r, int ordinal) => r.IsDBNull(ordinal) ? null : r.GetString(ordinal);

    private static DateTimeOffset? Time(NpgsqlDataReader r, int ordinal) =>
        r.IsDBNull(ordinal) ? null : r.GetFieldValue<DateTimeOffset>(ordinal);

    private static T? Json<T>(string? json)
        where T : class => json is null ? null : JsonSerializer.Deserialize<T>(json, WireJson.Options);
}
