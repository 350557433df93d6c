using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.History;

/// <summary>
/// How busy the system was, kept in PostgreSQL in steps that grow with age: of ten seconds for two hours, of five minutes for two days, of
/// an hour for a month. Any number of API processes record it; each step is recorded once.
/// </summary>
public sealed class LoadHistory(NpgsqlDataSource source)
{
    /// <summary>The kinds of steps, the shortest first, and how long each is kept.</summary>
    public static readonly IReadOnlyList<(TimeSpan Step, TimeSpan KeptFor)> Steps =
    [
        (TimeSpan.FromSeconds(10), TimeSpan.FromHours(2)),
        (TimeSpan.FromMinutes(5), TimeSpan.FromDays(2)),
        (TimeSpan.FromHours(1), TimeSpan.FromDays(31)),
    ];

    /// <summary>A job's end is seen only when its transaction is over: a step is recorded so long after it ended.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    private const string Columns =
        "at, model, queued, running, workers, slots, oldest_seconds, succeeded, failed, cancelled, expired, charged, run_times, failures";

    /// <summary>Records the shortest steps that are over and not recorded yet, puts longer ones together, and forgets what is old.</summary>
    /// <param name="now">How busy the system is now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many steps were recorded, counting one for each model; 0 where others have done it.</returns>
    public async Task<int> RecordAsync(SystemLoad now, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var turn = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtextextended('load_history', 0))", connection))
        {
            if (await turn.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return 0;
            }
        }

        (TimeSpan shortest, TimeSpan kept) = Steps[0];
        DateTimeOffset end = Floor(now.At - Settling, shortest);
        DateTimeOffset begin = await EndOfAsync(connection, shortest, cancellationToken) ?? end - shortest;
        begin = begin < end - kept ? end - kept : begin;
        if (begin >= end)
        {
            return 0;
        }

        IReadOnlyList<LoadStep> steps = await EndedAsync(connection, begin, end, cancellationToken);
        int recorded = await SaveAsync(connection, shortest, WithGauges(steps, now, end - shortest), cancellationToken);
        for (int kind = 1; kind < Steps.Count; kind++)
        {
            recorded += await JoinAsync(connection, Steps[kind - 1].Step, Steps[kind].Step, end, cancellationToken);
        }

        await ForgetAsync(connection, end, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return recorded;
    }

    /// <summary>The steps of one kind since a time, the oldest first.</summary>
    /// <param name="step">One of <see cref="Steps"/>.</param>
    /// <param name="since">The earliest beginning.</param>
    /// <param name="model">A model; empty for all together.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<LoadStep>> ReadAsync(
        TimeSpan step,
        DateTimeOffset since,
        string model,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, step, since, DateTimeOffset.MaxValue, model, cancellationToken);
    }

    /// <summary>The models of which steps of one kind since a time tell.</summary>
    public async Task<IReadOnlyList<string>> ModelsAsync(TimeSpan step, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT DISTINCT model FROM load_history WHERE step_seconds = $1 AND at >= $2 AND model <> '' ORDER BY model"
        );
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)step.TotalSeconds });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = since.UtcDateTime });
        var models = new List<string>();
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(reader.GetString(0));
        }

        return models;
    }

    /// <summary>The step that a time lies in: when it began.</summary>
    public static DateTimeOffset Floor(DateTimeOffset time, TimeSpan step) =>
        new(time.UtcTicks - (time.UtcTicks % step.Ticks), TimeSpan.Zero);

    /// <summary>The end of the newest recorded step of a kind; null where there is none.</summary>
    private static async Task<DateTimeOffset?> EndOfAsync(NpgsqlConnection connection, TimeSpan step, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT max(at) FROM load_history WHERE step_seconds = $1 AND model = ''", connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)step.TotalSeconds });
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime at ? new DateTimeOffset(at) + step : null;
    }

    /// <summary>What ended in each of the shortest steps from a time to another, for each model and for all together.</summary>
    private static async Task<IReadOnlyList<LoadStep>> EndedAsync(
        NpgsqlConnection connection,
        DateTimeOffset begin,
        DateTimeOffset end,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT date_bin($3, finished_at, $1) AS at, model, state, error ->> 'code' AS code,
                CASE WHEN state = job_state('succeeded') AND started_at IS NOT NULL THEN
                    greatest(0, least($6, 1 + floor(ln(greatest(extract(epoch FROM finished_at - started_at)::double precision, 1e-9) / $4)
                        / ln($5))))::int END AS class,
                count(*) AS jobs, sum(charged)::bigint AS charged
            FROM jobs WHERE finished_at >= $1 AND finished_at < $2 GROUP BY 1, 2, 3, 4, 5
            """,
            connection
        )
        {
            Parameters =
            {
                new NpgsqlParameter<DateTime> { TypedValue = begin.UtcDateTime },
                new NpgsqlParameter<DateTime> { TypedValue = end.UtcDateTime },
                new NpgsqlParameter<TimeSpan> { TypedValue = Steps[0].Step },
                new NpgsqlParameter<double> { TypedValue = RunTimeHistogram.Least },
                new NpgsqlParameter<double> { TypedValue = RunTimeHistogram.Factor },
                new NpgsqlParameter<double> { TypedValue = RunTimeHistogram.Classes - 1 },
            },
        };
        var steps = new Dictionary<(DateTimeOffset, string), LoadStep>();
        for (DateTimeOffset at = begin; at < end; at += Steps[0].Step)
        {
            steps[(at, "")] = new LoadStep(at, "");
        }

        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            (DateTimeOffset at, string model) = (reader.GetFieldValue<DateTimeOffset>(0), reader.GetString(1));
            foreach (string whose in new[] { model, "" })
            {
                if (!steps.TryGetValue((at, whose), out LoadStep? step))
                {
                    steps[(at, whose)] = step = new LoadStep(at, whose);
                }

                Count(
                    step,
                    (JobState)reader.GetInt16(2),
                    reader.IsDBNull(3) ? null : reader.GetString(3),
                    reader.IsDBNull(4) ? null : reader.GetInt32(4),
                    reader.GetInt64(5),
                    reader.GetInt64(6)
                );
            }
        }

        return [.. steps.Values];
    }

    private static void Count(LoadStep step, JobState state, string? code, int? @class, long jobs, long charged)
    {
        step.Charged += charged;
        switch (state)
        {
            case JobState.Succeeded:
                step.Succeeded += jobs;
                if (@class is { } some)
                {
                    step.RunTimes.Add(some, jobs);
                }

                break;
            case JobState.Failed:
                step.Failed += jobs;
                string name = code ?? "unknown";
                step.Failures[name] = step.Failures.TryGetValue(name, out long before) ? before + jobs : jobs;
                break;
            case JobState.Cancelled:
                step.Cancelled += jobs;
                break;
            case JobState.Expired:
                step.Expired += jobs;
                break;
        }
    }

    /// <summary>With what waits and runs now in the newest step; steps of models in which nothing was are left out.</summary>
    private static IEnumerable<LoadStep> WithGauges(IReadOnlyList<LoadStep> steps, SystemLoad now, DateTimeOffset newest)
    {
        var last = steps.Where(step => step.At == newest).ToDictionary(step => step.Model);
        foreach (ModelLoad load in now.Models)
        {
            last[load.Model] = (last.GetValueOrDefault(load.Model) ?? new LoadStep(newest, load.Model)) with
            {
                Queued = load.Queued,
                Running = load.Running,
                Workers = load.Workers,
                Slots = load.Slots,
                OldestSeconds = Age(load.OldestQueuedAt),
            };
        }

        last[""] = last[""] with
        {
            Queued = now.Models.Sum(model => model.Queued),
            Running = now.Models.Sum(model => model.Running),
            Workers = now.Workers,
            Slots = now.Slots,
            OldestSeconds = Age(now.Models.Min(model => model.OldestQueuedAt)),
        };
        return steps.Where(step => step.At != newest).Concat(last.Values).Where(step => step.Model.Length == 0 || !step.IsIdle);

        double? Age(DateTimeOffset? since) => since is { } at ? Math.Max(0, (now.At - at).TotalSeconds) : null;
    }

    /// <summary>Puts steps of one kind together to those of the next, where they are complete and it is not done yet.</summary>
    private static async Task<int> JoinAsync(
        NpgsqlConnection connection,
        TimeSpan fine,
        TimeSpan coarse,
        DateTimeOffset end,
        CancellationToken cancellationToken
    )
    {
        DateTimeOffset begin = await EndOfAsync(connection, coarse, cancellationToken) ?? DateTimeOffset.UnixEpoch;
        DateTimeOffset until = Floor(end, coarse);
        if (begin >= until)
        {
            return 0;
        }

        IReadOnlyList<LoadStep> steps = await ReadAsync(connection, fine, begin, until, model: null, cancellationToken);
        return await SaveAsync(
            connection,
            coarse,
            steps
                .GroupBy(step => (At: Floor(step.At, coarse), step.Model))
                .Select(group => LoadStep.Join(group.Key.At, group.Key.Model, [.. group])),
            cancellationToken
        );
    }

    private static async Task<IReadOnlyList<LoadStep>> ReadAsync(
        NpgsqlConnection connection,
        TimeSpan step,
        DateTimeOffset since,
        DateTimeOffset until,
        string? model,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {Columns} FROM load_history
            WHERE step_seconds = $1 AND at >= $2 AND at < $3 AND ($4::text IS NULL OR model = $4) ORDER BY at
            """,
            connection
        )
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = (int)step.TotalSeconds },
                new NpgsqlParameter<DateTime> { TypedValue = since.UtcDateTime },
                new NpgsqlParameter<DateTime> { TypedValue = until.UtcDateTime },
                new NpgsqlParameter { Value = (object?)model ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        var steps = new List<LoadStep>();
        await using NpgsqlDataReader r = await command.ExecuteReaderAsync(cancellationToken);
        while (await r.ReadAsync(cancellationToken))
        {
            steps.Add(
                new LoadStep(r.GetFieldValue<DateTimeOffset>(0), r.GetString(1))
                {
                    Queued = Gauge(r, 2),
                    Running = Gauge(r, 3),
                    Workers = Gauge(r, 4),
                    Slots = Gauge(r, 5),
                    OldestSeconds = Gauge(r, 6),
                    Succeeded = r.GetInt64(7),
                    Failed = r.GetInt64(8),
                    Cancelled = r.GetInt64(9),
                    Expired = r.GetInt64(10),
                    Charged = r.GetInt64(11),
                    RunTimes = new RunTimeHistogram(r.GetFieldValue<long[]>(12)),
                    Failures = JsonSerializer.Deserialize<SortedDictionary<string, long>>(r.GetString(13))!,
                }
            );
        }

        return steps;

        static double? Gauge(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);
    }

    private static async Task<int> SaveAsync(
        NpgsqlConnection connection,
        TimeSpan kind,
        IEnumerable<LoadStep> steps,
        CancellationToken cancellationToken
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (LoadStep step in steps)
        {
            batch.BatchCommands.Add(
                new NpgsqlBatchCommand(
                    $"""
                    INSERT INTO load_history (step_seconds, {Columns})
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                    ON CONFLICT DO NOTHING
                    """
                )
                {
                    Parameters =
                    {
                        new NpgsqlParameter<int> { TypedValue = (int)kind.TotalSeconds },
                        new NpgsqlParameter<DateTime> { TypedValue = step.At.UtcDateTime },
                        new NpgsqlParameter<string> { TypedValue = step.Model },
                        new NpgsqlParameter<double?> { TypedValue = step.Queued },
                        new NpgsqlParameter<double?> { TypedValue = step.Running },
                        new NpgsqlParameter<double?> { TypedValue = step.Workers },
                        new NpgsqlParameter<double?> { TypedValue = step.Slots },
                        new NpgsqlParameter<double?> { TypedValue = step.OldestSeconds },
                        new NpgsqlParameter<long> { TypedValue = step.Succeeded },
                        new NpgsqlParameter<long> { TypedValue = step.Failed },
                        new NpgsqlParameter<long> { TypedValue = step.Cancelled },
                        new NpgsqlParameter<long> { TypedValue = step.Expired },
                        new NpgsqlParameter<long> { TypedValue = step.Charged },
                        new NpgsqlParameter<long[]> { TypedValue = step.RunTimes.Counts },
                        new NpgsqlParameter { Value = JsonSerializer.Serialize(step.Failures), NpgsqlDbType = NpgsqlDbType.Jsonb },
                    },
                }
            );
        }

        return batch.BatchCommands.Count == 0 ? 0 : await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ForgetAsync(NpgsqlConnection connection, DateTimeOffset end, CancellationToken cancellationToken)
    {
        foreach ((TimeSpan step, TimeSpan kept) in Steps)
        {
            await using var command = new NpgsqlCommand("DELETE FROM load_history WHERE step_seconds = $1 AND at < $2", connection);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)step.TotalSeconds });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = (end - kept).UtcDateTime });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
