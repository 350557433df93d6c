using Generation.Contracts;
using Npgsql;

namespace Generation.Storage;

/// <summary>A queued job whose message is to be sent now.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Model">Its model.</param>
/// <param name="Trace">W3C traceparent of the span that submitted it, if that was traced.</param>
public sealed record OutboxEntry(JobId JobId, string Model, string? Trace);

/// <summary>Free places of the live workers that can run a model, and what is on its way to them.</summary>
/// <param name="Model">The model.</param>
/// <param name="Workers">Live workers that take its jobs (not draining).</param>
/// <param name="Slots">Jobs that they can run at a time.</param>
/// <param name="FreeSlots">Their slots without a running job.</param>
/// <param name="InFlight">Messages sent and not yet claimed.</param>
/// <param name="Waiting">Jobs queued and not sent, at most <see cref="Outbox.CountLimit"/>.</param>
public sealed record DispatchWindow(string Model, int Workers, int Slots, int FreeSlots, int InFlight, int Waiting)
{
    /// <summary>How many may be sent now: a little more than the free slots, so that a worker finds its next job when it has finished one.</summary>
    public int Room => FreeSlots + 1 + (Slots / 4) - InFlight;
}

/// <summary>
/// The queue of jobs as dispatchers see it. Several work side by side: for each model one at a time chooses what goes
/// next, and a job sent twice is claimed once.
/// </summary>
public sealed class Outbox(NpgsqlDataSource source)
{
    /// <summary>Counting stops here: a dispatcher only wants to know whether there is work.</summary>
    public const int CountLimit = 1000;

    private static readonly string WindowsSql = $"""
        WITH live AS (
            SELECT w.id, w.models, w.slots,
                greatest(0, w.slots - (SELECT count(*) FROM jobs WHERE state = 1 AND worker_id = w.id))::int AS free
            FROM workers w WHERE w.last_seen > now() - $1 AND NOT w.draining),
        able AS (
            SELECT m.model, count(*)::int AS workers, sum(live.slots)::int AS slots, sum(live.free)::int AS free
            FROM live, LATERAL unnest(live.models) AS m (model) GROUP BY m.model)
        SELECT able.model, able.workers, able.slots, able.free,
            (SELECT count(*) FROM outbox o WHERE o.model = able.model AND o.dispatched_at IS NOT NULL)::int,
            (SELECT count(*) FROM (SELECT 1 FROM outbox o WHERE o.model = able.model AND o.dispatched_at IS NULL LIMIT {CountLimit}) AS few)::int
        FROM able ORDER BY able.model
        """;

    private const string TakeOverdueSql = """
        UPDATE outbox SET dispatched_at = now()
        WHERE job_id IN (
            SELECT job_id FROM outbox
            WHERE model = $1 AND dispatched_at < now() - $2
            ORDER BY dispatched_at
            LIMIT $3
            FOR UPDATE SKIP LOCKED)
        RETURNING job_id, trace
        """;

    /// <summary>Whether any job is queued and not sent.</summary>
    public async Task<bool> IsAnyWaitingAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add("SELECT EXISTS (SELECT 1 FROM outbox WHERE dispatched_at IS NULL)");
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
    }

    /// <summary>The window of every model with a live worker.</summary>
    public async Task<IReadOnlyList<DispatchWindow>> WindowsAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(WindowsSql, new NpgsqlParameter<TimeSpan> { TypedValue = WorkerRegistry.LiveFor });
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        var windows = new List<DispatchWindow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            windows.Add(new DispatchWindow(
                reader.GetString(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4), reader.GetInt32(5)));
        }

        return windows;
    }

    /// <summary>
    /// Marks up to <paramref name="limit"/> waiting jobs of a model as sent, the next in <see cref="FairShare"/>'s order,
    /// and returns them. <paramref name="runningLimit"/>: jobs that an account may have running at one time, unless its own
    /// limits say otherwise.
    /// </summary>
    public async Task<IReadOnlyList<OutboxEntry>> TakeAsync(string model, int limit, int? runningLimit, CancellationToken cancellationToken)
    {
        // Should the mark be lost, the job is sent once more, and claimed once
        await using var batch = new JobBatch(source, durable: false);
        // One dispatcher at a time chooses for a model; the lock goes with the transaction
        batch.LockDispatch(model);
        batch.Add(FairShare.TakeSql,
            new NpgsqlParameter<string> { TypedValue = model },
            new NpgsqlParameter<int> { TypedValue = limit },
            new NpgsqlParameter { Value = (object?)runningLimit ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer });
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await EntriesAsync(reader, model, cancellationToken);
    }

    /// <summary>Jobs that were sent longer than <paramref name="age"/> ago and that nobody claimed: their messages may be lost.</summary>
    public async Task<IReadOnlyList<OutboxEntry>> TakeOverdueAsync(string model, TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source, durable: false);
        batch.Add(TakeOverdueSql,
            new NpgsqlParameter<string> { TypedValue = model },
            new NpgsqlParameter<TimeSpan> { TypedValue = age },
            new NpgsqlParameter<int> { TypedValue = limit });
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await EntriesAsync(reader, model, cancellationToken);
    }

    /// <summary>Marks jobs as not sent: the broker did not take their messages.</summary>
    public async Task PutBackAsync(IReadOnlyCollection<JobId> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("UPDATE outbox SET dispatched_at = NULL WHERE job_id = ANY ($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids.Select(id => id.Value)] });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<OutboxEntry>> EntriesAsync(NpgsqlDataReader reader, string model, CancellationToken cancellationToken)
    {
        var entries = new List<OutboxEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new OutboxEntry(new JobId(reader.GetGuid(0)), model, reader.IsDBNull(1) ? null : reader.GetString(1)));
        }

        return entries;
    }
}
