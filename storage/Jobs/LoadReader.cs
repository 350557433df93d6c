using Generation.Storage.Database;
using Generation.Storage.Workers;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>The load of one model at one moment.</summary>
/// <param name="Model">The model.</param>
/// <param name="Queued">The number of waiting jobs.</param>
/// <param name="Running">The number of running jobs.</param>
/// <param name="Workers">The number of live workers that can run it.</param>
/// <param name="Slots">The number of jobs that these workers can run at a time.</param>
/// <param name="FreeSlots">How many of these slots have no job now.</param>
/// <param name="FinishedLastMinute">The number of jobs that succeeded in the last minute.</param>
/// <param name="RunSeconds">The mean time from start to end of the latest jobs, in seconds; null before the first.</param>
/// <param name="OldestQueuedAt">When the job that waits the longest was submitted.</param>
public sealed record ModelLoad(
    string Model,
    long Queued,
    long Running,
    int Workers,
    int Slots,
    int FreeSlots,
    long FinishedLastMinute,
    double? RunSeconds,
    DateTimeOffset? OldestQueuedAt
)
{
    /// <summary>How long each running job is expected to run on, in seconds, as far as that is known.</summary>
    public IReadOnlyList<double> SecondsLeft { get; init; } = [];

    /// <summary>How long the waiting jobs are expected to run in all, in seconds, as far as that is known.</summary>
    public double QueuedSeconds { get; init; }

    /// <summary>For how many waiting jobs that is known.</summary>
    public long QueuedKnown { get; init; }

    /// <summary>Whether operators have paused the model: what waits is not sent to workers.</summary>
    public bool Paused { get; init; }
}

/// <summary>The load of all models; a worker with several models counts once in the totals.</summary>
public sealed record SystemLoad(IReadOnlyList<ModelLoad> Models, int Workers, int Slots, int FreeSlots, DateTimeOffset At);

/// <summary>Reads the load, in one query. Up to <paramref name="countLimit"/> waiting jobs are counted one by one.</summary>
public sealed class LoadReader(NpgsqlDataSource source, int countLimit = LoadReader.CountLimit)
{
    /// <summary>The largest number of waiting jobs that are counted exactly.</summary>
    public const int CountLimit = 100_000;

    private static readonly Statement LoadSql = new("load", ("live_for", NpgsqlDbType.Interval), ("count_limit", NpgsqlDbType.Integer));

    public async Task<SystemLoad> ReadAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = source.CreateBatch();
        // Planned each time, since the tables' sizes decide how; not by bitmaps, for which rows that are gone count like others
        batch.BatchCommands.Add(
            new NpgsqlBatchCommand(
                "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_bitmapscan', 'off', true)"
            )
        );
        batch.BatchCommands.Add(LoadSql.InBatch(WorkerRegistry.LiveFor, countLimit));
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var models = new List<ModelLoad>();
        var total = new SystemLoad(models, 0, 0, 0, default);
        while (await reader.ReadAsync(cancellationToken))
        {
            total = total with
            {
                Workers = reader.GetInt32(9),
                Slots = reader.GetInt32(10),
                FreeSlots = reader.GetInt32(11),
                At = reader.GetFieldValue<DateTimeOffset>(12),
            };
            if (!reader.IsDBNull(0))
            {
                models.Add(
                    new ModelLoad(
                        reader.GetString(0),
                        reader.GetInt64(1),
                        reader.GetInt64(2),
                        reader.GetInt32(3),
                        reader.GetInt32(4),
                        reader.GetInt32(5),
                        reader.GetInt64(6),
                        reader.IsDBNull(7) ? null : reader.GetDouble(7),
                        reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8)
                    )
                    {
                        SecondsLeft = reader.IsDBNull(13) ? [] : reader.GetFieldValue<double[]>(13),
                        QueuedSeconds = reader.GetDouble(14),
                        QueuedKnown = reader.GetInt64(15),
                        Paused = reader.GetBoolean(16),
                    }
                );
            }
        }

        return total;
    }
}
