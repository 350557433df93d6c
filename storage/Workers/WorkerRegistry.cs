using System.Text.Json;
using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Workers;

/// <summary>What a worker tells of itself.</summary>
/// <param name="Id">Its name, one for each process.</param>
/// <param name="Models">Catalogue entries of what it can run.</param>
/// <param name="Slots">How many jobs it runs at a time.</param>
/// <param name="Info">Device, threads, memory, version: for people.</param>
/// <param name="Schedulers">Schedulers by which it runs them; null leaves what others told.</param>
public sealed record WorkerRegistration(
    string Id,
    IReadOnlyList<ModelEntry> Models,
    int Slots,
    object? Info,
    IReadOnlyList<SchedulerEntry>? Schedulers = null
);

/// <summary>What a heartbeat brings back.</summary>
/// <param name="Registered">False: the row is gone (the database was restored, an operator removed it); register again.</param>
/// <param name="Draining">True: finish the present jobs and take no others, until it is false again.</param>
public sealed record HeartbeatAnswer(bool Registered, bool Draining);

/// <summary>A worker as people see it.</summary>
public sealed record WorkerInfo(
    string Id,
    IReadOnlyList<string> Models,
    IReadOnlyList<string> Loaded,
    int Slots,
    int Running,
    bool Live,
    bool Draining,
    DateTimeOffset StartedAt,
    DateTimeOffset LastSeen,
    JsonElement? Info
);

/// <summary>The workers and the models that they can run: the API knows models from here alone.</summary>
public sealed class WorkerRegistry(NpgsqlDataSource source)
{
    /// <summary>How often a worker reports.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(2);

    /// <summary>A worker that has not reported for so long counts as gone.</summary>
    public static readonly TimeSpan LiveFor = TimeSpan.FromSeconds(6);

    /// <summary>Enters the worker and its models; a worker of the same id is replaced, and drained if that was.</summary>
    public async Task RegisterAsync(WorkerRegistration worker, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH schedulers AS (
                INSERT INTO schedulers (name, description)
                SELECT s ->> 'name', coalesce(s ->> 'description', '') FROM jsonb_array_elements($6) AS s ORDER BY 1
                ON CONFLICT (name) DO UPDATE SET description = excluded.description),
            entries AS (
                INSERT INTO models (name, entry, updated_at)
                SELECT e ->> 'name', e, now() FROM jsonb_array_elements($5) AS e ORDER BY 1
                ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, updated_at = excluded.updated_at)
            INSERT INTO workers (id, models, slots, info) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET models = excluded.models, slots = excluded.slots, info = excluded.info,
                loaded = '{}', started_at = now(), last_seen = now()
            """
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker.Id });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. worker.Models.Select(m => m.Name)] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = worker.Slots });
        command.Parameters.Add(Jsonb(worker.Info ?? new { }));
        command.Parameters.Add(Jsonb(worker.Models));
        command.Parameters.Add(Jsonb(worker.Schedulers ?? []));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The worker lives, with <paramref name="loaded"/> models in its memory.</summary>
    public async Task<HeartbeatAnswer> HeartbeatAsync(string id, IReadOnlyCollection<string> loaded, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "UPDATE workers SET last_seen = now(), loaded = $2 WHERE id = $1 RETURNING draining"
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. loaded] });
        bool? draining = await command.ExecuteScalarAsync(cancellationToken) as bool?;
        return new HeartbeatAnswer(draining is not null, draining == true);
    }

    /// <summary>The worker takes no more jobs, or (false) does again.</summary>
    public async Task<bool> DrainAsync(string id, bool draining, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("UPDATE workers SET draining = $2 WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = draining });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>The worker has gone, in good order. A drained one is remembered for a while: started again, it stays drained.</summary>
    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM workers WHERE id = $1 AND NOT draining");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Forgets workers that have not reported for <paramref name="age"/>.</summary>
    public async Task<int> RemoveGoneAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM workers WHERE last_seen < now() - $1");
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Every worker that reported lately.</summary>
    public async Task<IReadOnlyList<WorkerInfo>> ListAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT id, models, loaded, slots, (SELECT count(*)::int FROM jobs WHERE state = job_state('running') AND worker_id = w.id),
                last_seen > now() - $1, draining, started_at, last_seen, info
            FROM workers w ORDER BY id
            """
        );
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = LiveFor });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var workers = new List<WorkerInfo>();
        while (await reader.ReadAsync(cancellationToken))
        {
            workers.Add(
                new WorkerInfo(
                    reader.GetString(0),
                    reader.GetFieldValue<string[]>(1),
                    reader.GetFieldValue<string[]>(2),
                    reader.GetInt32(3),
                    reader.GetInt32(4),
                    reader.GetBoolean(5),
                    reader.GetBoolean(6),
                    reader.GetFieldValue<DateTimeOffset>(7),
                    reader.GetFieldValue<DateTimeOffset>(8),
                    reader.IsDBNull(9) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(9))
                )
            );
        }

        return workers;
    }

    /// <summary>Every model that was ever registered, by name.</summary>
    public async Task<IReadOnlyList<ModelEntry>> ModelsAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT entry FROM models ORDER BY name");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var models = new List<ModelEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(JsonSerializer.Deserialize<ModelEntry>(reader.GetString(0), WireJson.Options)!);
        }

        return models;
    }

    /// <summary>When each model was registered as it is now.</summary>
    public async Task<IReadOnlyDictionary<string, DateTimeOffset>> ModelTimesAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT name, updated_at FROM models");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var times = new Dictionary<string, DateTimeOffset>();
        while (await reader.ReadAsync(cancellationToken))
        {
            times[reader.GetString(0)] = reader.GetFieldValue<DateTimeOffset>(1);
        }

        return times;
    }

    /// <summary>Every scheduler that was ever registered, by name.</summary>
    public async Task<IReadOnlyList<SchedulerEntry>> SchedulersAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT name, description FROM schedulers ORDER BY name");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var schedulers = new List<SchedulerEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            schedulers.Add(new SchedulerEntry(reader.GetString(0), reader.GetString(1)));
        }

        return schedulers;
    }

    private static NpgsqlParameter Jsonb<T>(T value) =>
        new() { Value = JsonSerializer.Serialize(value, WireJson.Options), NpgsqlDbType = NpgsqlDbType.Jsonb };
}
