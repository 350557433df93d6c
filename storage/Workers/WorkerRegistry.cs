using System.Text.Json;
using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Workers;

/// <summary>What a worker registers about itself.</summary>
/// <param name="Id">Its name, which no other process may have.</param>
/// <param name="Models">The catalogue entries of the models that it can run.</param>
/// <param name="Slots">The number of jobs that it runs at a time.</param>
/// <param name="Info">Device, threads, memory and version, for people.</param>
/// <param name="Schedulers">The schedulers that it has; null leaves those that others registered.</param>
/// <param name="Vocabularies">The packed files of its models' tokenizers, by the hash by which the models name them.</param>
public sealed record WorkerRegistration(
    string Id,
    IReadOnlyList<ModelEntry> Models,
    int Slots,
    object? Info,
    IReadOnlyList<SchedulerEntry>? Schedulers = null,
    IReadOnlyDictionary<string, byte[]>? Vocabularies = null
);

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Registered">
/// False if the row does not exist any more (the database was restored, or an operator removed it): the worker has to register again.
/// </param>
/// <param name="Draining">True if the worker should finish its present jobs and take no others, until it is false again.</param>
public sealed record HeartbeatAnswer(bool Registered, bool Draining);

/// <summary>What people are shown of a worker.</summary>
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

/// <summary>The workers and the models that they can run, which is the only place from which the API knows models.</summary>
public sealed class WorkerRegistry(NpgsqlDataSource source, VocabularyStore vocabularies)
{
    /// <summary>How often a worker reports.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long after its last report a worker counts as gone.</summary>
    public static readonly TimeSpan LiveFor = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Registers the worker and its models. A worker with the same id is replaced; if that one was drained, so is this one. A model that
    /// operators have paused stays paused.
    /// </summary>
    public async Task RegisterAsync(WorkerRegistration worker, CancellationToken cancellationToken)
    {
        if (worker.Vocabularies is { Count: > 0 } files)
        {
            await vocabularies.StoreAsync(files, cancellationToken);
        }

        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH schedulers AS (
                INSERT INTO schedulers (name, description)
                SELECT s ->> 'name', coalesce(s ->> 'description', '') FROM jsonb_array_elements($6) AS s ORDER BY 1
                ON CONFLICT (name) DO UPDATE SET description = excluded.description),
            entries AS (
                INSERT INTO models (name, entry, updated_at)
                SELECT e ->> 'name', e - 'paused', now() FROM jsonb_array_elements($5) AS e ORDER BY 1
                ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at,
                    entry = excluded.entry || CASE WHEN models.entry @> '{"paused": true}' THEN '{"paused": true}' ELSE '{}' END::jsonb)
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
        await vocabularies.DeleteUnnamedAsync(cancellationToken);
    }

    /// <summary>Records that the worker is alive, with the models in its memory.</summary>
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

    /// <summary>Makes the worker take no more jobs, or (false) take jobs again.</summary>
    public async Task<bool> DrainAsync(string id, bool draining, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("UPDATE workers SET draining = $2 WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = draining });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>
    /// Pauses a model, or (false) lets its jobs be sent to workers again. Jobs that were sent before are run all the same.
    /// </summary>
    /// <returns>Whether there is such a model.</returns>
    public async Task<bool> PauseAsync(string model, bool paused, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "UPDATE models SET entry = jsonb_set(entry, '{paused}', to_jsonb($2)) WHERE name = $1"
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = paused });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>
    /// Removes a worker that has shut down in order. A drained worker is remembered for a while: if it is started again, it stays drained.
    /// </summary>
    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM workers WHERE id = $1 AND NOT draining");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Removes workers that have not reported for <paramref name="age"/>.</summary>
    public async Task<int> RemoveGoneAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM workers WHERE last_seen < now() - $1");
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Lists the workers that are alive.</summary>
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

    /// <summary>Lists every model that was ever registered, by name.</summary>
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

    /// <summary>When each model was last registered with a change.</summary>
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

    /// <summary>Lists every scheduler that was ever registered, by name.</summary>
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
