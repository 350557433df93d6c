using Generation.Contracts;
using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>Which jobs a list shows.</summary>
public sealed record JobFilter
{
    public required Guid AccountId { get; init; }

    public JobState? State { get; init; }

    public JobKind? Kind { get; init; }

    public string? Model { get; init; }

    public DateTimeOffset? CreatedAfter { get; init; }

    public DateTimeOffset? CreatedBefore { get; init; }

    /// <summary>What the prompt has in it, in large or small letters.</summary>
    public string? Words { get; init; }

    /// <summary>Whether the newest jobs come first; ids sort by time.</summary>
    public bool Descending { get; init; } = true;

    /// <summary>The last job of the page before.</summary>
    public JobId? After { get; init; }

    public required int Limit { get; init; }
}

/// <summary>Reads jobs without changing anything.</summary>
public sealed class JobQueries(NpgsqlDataSource source)
{
    private static readonly (string, NpgsqlDbType)[] ListParameters =
    [
        ("account_id", NpgsqlDbType.Uuid),
        ("state", NpgsqlDbType.Smallint),
        ("kind", NpgsqlDbType.Smallint),
        ("model", NpgsqlDbType.Text),
        ("created_after", NpgsqlDbType.TimestampTz),
        ("created_before", NpgsqlDbType.TimestampTz),
        ("words", NpgsqlDbType.Text),
        ("after", NpgsqlDbType.Uuid),
        ("limit", NpgsqlDbType.Integer),
    ];

    private static readonly Statement ListNewestSql = new("list-newest", ListParameters);

    private static readonly Statement ListOldestSql = new("list-oldest", ListParameters);

    private static readonly Statement WithoutOutputsSql = new("without-outputs", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    private static readonly Statement PositionSql = new("position", ("id", NpgsqlDbType.Uuid));

    public async Task<IReadOnlyList<JobRow>> ListAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = (filter.Descending ? ListNewestSql : ListOldestSql).On(
            source,
            filter.AccountId,
            (short?)filter.State,
            (short?)filter.Kind,
            filter.Model,
            filter.CreatedAfter?.ToUniversalTime(),
            filter.CreatedBefore?.ToUniversalTime(),
            filter.Words,
            filter.After?.Value,
            filter.Limit
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new List<JobRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            jobs.Add(JobRow.ReadWithOutputs(reader));
        }

        return jobs;
    }

    /// <summary>Returns those of the jobs that have no outputs any more, because these or the job itself were deleted.</summary>
    public async Task<IReadOnlySet<JobId>> WithoutOutputsAsync(IReadOnlyCollection<JobId> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = WithoutOutputsSql.On(source, ids.Select(id => id.Value).ToArray());
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var gone = new HashSet<JobId>();
        while (await reader.ReadAsync(cancellationToken))
        {
            gone.Add(new JobId(reader.GetGuid(0)));
        }

        return gone;
    }

    /// <summary>How many of an account's jobs are queued or running.</summary>
    public async Task<int> OpenCountAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT open_jobs FROM accounts WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The position of a queued job among those of its model; null if it is not queued.</summary>
    public async Task<QueuePlace?> PositionAsync(JobId id, CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(PositionSql.InBatch(id.Value));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new QueuePlace(reader.GetInt64(0), reader.GetInt64(1), reader.GetDouble(2), reader.IsDBNull(3) ? null : reader.GetDouble(3))
            : null;
    }
}

/// <summary>The position of a job in the queue of its model.</summary>
/// <param name="Position">The position, which is 1 for the next job.</param>
/// <param name="KnownAhead">For how many of the jobs ahead the expected run time is known.</param>
/// <param name="SecondsAhead">How long those are expected to run, in seconds, in all.</param>
/// <param name="OwnSeconds">How long the job itself is expected to run, in seconds, if that is known.</param>
public sealed record QueuePlace(long Position, long KnownAhead, double SecondsAhead, double? OwnSeconds);
