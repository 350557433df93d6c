using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Workers;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>A queued job whose message has to be sent now.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Model">The job's model.</param>
/// <param name="Trace">The W3C traceparent of the span that submitted the job, if that was traced.</param>
public sealed record OutboxEntry(JobId JobId, string Model, string? Trace);

/// <summary>The free slots of the live workers that can run a model, and the messages that are on their way to them.</summary>
/// <param name="Model">The model.</param>
/// <param name="Workers">The number of live workers that take its jobs (which do not drain).</param>
/// <param name="Slots">The number of jobs that they can run at a time.</param>
/// <param name="FreeSlots">How many of their slots have no running job.</param>
/// <param name="InFlight">The number of messages that were sent and not yet claimed.</param>
/// <param name="Waiting">The number of jobs that are queued and not sent, at most <see cref="Outbox.CountLimit"/>.</param>
/// <param name="Paused">Whether operators have paused the model: nothing of it is sent.</param>
public sealed record DispatchWindow(string Model, int Workers, int Slots, int FreeSlots, int InFlight, int Waiting, bool Paused)
{
    /// <summary>
    /// How many messages may be sent now: a little more than the free slots, so that a worker finds its next job when it has finished one.
    /// </summary>
    public int Room => FreeSlots + 1 + (Slots / 4) - InFlight;
}

/// <summary>
/// The queue of jobs as dispatchers use it. Several work in parallel: for each model one at a time chooses what is sent next, and a job
/// that is sent twice is claimed once.
/// </summary>
public sealed class Outbox(NpgsqlDataSource source)
{
    /// <summary>The number at which counting stops: a dispatcher only needs to know whether there is work.</summary>
    public const int CountLimit = 1000;

    private static readonly Statement AnyWaitingSql = new("any-waiting");

    private static readonly Statement WindowsSql = new(
        "windows",
        ("live_for", NpgsqlDbType.Interval),
        ("count_limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement TakeSql = new(
        "take",
        ("model", NpgsqlDbType.Text),
        ("limit", NpgsqlDbType.Integer),
        ("running_limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement TakeOverdueSql = new(
        "take-overdue",
        ("model", NpgsqlDbType.Text),
        ("age", NpgsqlDbType.Interval),
        ("limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement PutBackSql = new("put-back", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    private static readonly Statement LeaveToOthersSql = new(
        "leave-to-others",
        ("models", NpgsqlDbType.Array | NpgsqlDbType.Text),
        ("load_times", NpgsqlDbType.Array | NpgsqlDbType.Interval),
        ("worker", NpgsqlDbType.Text),
        ("live_for", NpgsqlDbType.Interval)
    );

    /// <summary>Whether any job is queued and not sent.</summary>
    public async Task<bool> IsAnyWaitingAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(AnyWaitingSql.InBatch());
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
    }

    /// <summary>The window of every model with a live worker.</summary>
    public async Task<IReadOnlyList<DispatchWindow>> WindowsAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(WindowsSql.InBatch(WorkerRegistry.LiveFor, CountLimit));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        var windows = new List<DispatchWindow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            windows.Add(
                new DispatchWindow(
                    reader.GetString(0),
                    reader.GetInt32(1),
                    reader.GetInt32(2),
                    reader.GetInt32(3),
                    reader.GetInt32(4),
                    reader.GetInt32(5),
                    reader.GetBoolean(6)
                )
            );
        }

        return windows;
    }

    /// <summary>
    /// Marks up to <paramref name="limit"/> waiting jobs of a model as sent, the next in a fair order between accounts, and returns them.
    /// <paramref name="runningLimit"/> is how many jobs an account may have running at one time, unless its own limits say otherwise.
    /// </summary>
    public async Task<IReadOnlyList<OutboxEntry>> TakeAsync(string model, int limit, int? runningLimit, CancellationToken cancellationToken)
    {
        // Should the mark be lost, the job is sent once more, and claimed once
        await using var batch = new JobBatch(source, durable: false);
        // One dispatcher at a time chooses for a model; the lock goes with the transaction
        batch.LockDispatch(model);
        batch.Add(TakeSql.InBatch(model, limit, runningLimit));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await EntriesAsync(reader, model, cancellationToken);
    }

    /// <summary>
    /// Finds jobs that were sent longer than <paramref name="age"/> ago and that no worker has claimed: their messages may be lost.
    /// </summary>
    public async Task<IReadOnlyList<OutboxEntry>> TakeOverdueAsync(
        string model,
        TimeSpan age,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var batch = new JobBatch(source, durable: false);
        batch.Add(TakeOverdueSql.InBatch(model, age, limit));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        return await EntriesAsync(reader, model, cancellationToken);
    }

    /// <summary>Marks jobs as not sent, because the broker did not take their messages.</summary>
    public async Task PutBackAsync(IReadOnlyCollection<JobId> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = PutBackSql.On(source, ids.Select(id => id.Value).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Returns, of the models that <paramref name="worker"/> would have to load, each with its loading time, those whose jobs are better
    /// left to another worker: one has the model in memory, and the next job has not yet waited as long as loading takes.
    /// </summary>
    public async Task<IReadOnlySet<string>> LeaveToOthersAsync(
        string worker,
        IReadOnlyList<(string Model, TimeSpan LoadTime)> cold,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlCommand command = LeaveToOthersSql.On(
            source,
            cold.Select(c => c.Model).ToArray(),
            cold.Select(c => c.LoadTime).ToArray(),
            worker,
            WorkerRegistry.LiveFor
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var models = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(reader.GetString(0));
        }

        return models;
    }

    private static async Task<IReadOnlyList<OutboxEntry>> EntriesAsync(
        NpgsqlDataReader reader,
        string model,
        CancellationToken cancellationToken
    )
    {
        var entries = new List<OutboxEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new OutboxEntry(new JobId(reader.GetGuid(0)), model, reader.IsDBNull(1) ? null : reader.GetString(1)));
        }

        return entries;
    }
}
