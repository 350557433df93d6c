using System.Text;
using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

/// <summary>Which jobs a list shows.</summary>
public sealed record JobFilter
{
    public required Guid AccountId { get; init; }

    public JobState? State { get; init; }

    public JobKind? Kind { get; init; }

    public string? Model { get; init; }

    public DateTimeOffset? CreatedAfter { get; init; }

    public DateTimeOffset? CreatedBefore { get; init; }

    /// <summary>The newest first; ids sort by time.</summary>
    public bool Descending { get; init; } = true;

    /// <summary>The last job of the page before.</summary>
    public JobId? After { get; init; }

    public required int Limit { get; init; }
}

/// <summary>Looks at jobs; changes nothing.</summary>
public sealed class JobQueries(NpgsqlDataSource source)
{
    public async Task<IReadOnlyList<JobRow>> ListAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand();
        var sql = new StringBuilder($"SELECT {JobRow.Columns}, {JobRow.OutputsColumn} FROM jobs j WHERE j.account_id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = filter.AccountId });
        And("j.state = ", (short?)filter.State, NpgsqlDbType.Smallint);
        And("j.kind = ", (short?)filter.Kind, NpgsqlDbType.Smallint);
        And("j.model = ", filter.Model, NpgsqlDbType.Text);
        And("j.created_at > ", filter.CreatedAfter?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        And("j.created_at < ", filter.CreatedBefore?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        And(filter.Descending ? "j.id < " : "j.id > ", filter.After?.Value, NpgsqlDbType.Uuid);
        sql.Append(filter.Descending ? " ORDER BY j.id DESC" : " ORDER BY j.id");
        sql.Append(" LIMIT ").Append(filter.Limit);
        command.CommandText = sql.ToString();

        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new List<JobRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            jobs.Add(JobRow.ReadWithOutputs(reader));
        }

        return jobs;

        void And(string condition, object? value, NpgsqlDbType type)
        {
            if (value is not null)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
                sql.Append(" AND ").Append(condition).Append('$').Append(command.Parameters.Count);
            }
        }
    }

    /// <summary>How many of an account's jobs are queued or running.</summary>
    public async Task<int> OpenCountAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT open_jobs FROM accounts WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Place of a queued job among those of its model; null if it is not queued.</summary>
    public async Task<QueuePlace?> PositionAsync(JobId id, CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(FairShare.PositionSql, new NpgsqlParameter<Guid> { TypedValue = id.Value });
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new QueuePlace(reader.GetInt64(0), reader.GetInt64(1), reader.GetDouble(2), reader.IsDBNull(3) ? null : reader.GetDouble(3))
            : null;
    }
}

/// <summary>Where a job stands in the queue of its model.</summary>
/// <param name="Position">1 for the next.</param>
/// <param name="KnownAhead">Of how many of those ahead it is known how long they will run.</param>
/// <param name="SecondsAhead">How long those will run, in all.</param>
/// <param name="OwnSeconds">How long the job itself is expected to run, if that is known.</param>
public sealed record QueuePlace(long Position, long KnownAhead, double SecondsAhead, double? OwnSeconds);
