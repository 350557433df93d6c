using Generation.Contracts;
using Generation.Storage;
using Generation.Worker.Jobs;
using Generation.Worker.Models;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Worker.Queue;

/// <summary>
/// Which models' jobs are better left to a worker that has the model in memory: those that are not loaded here, are loaded
/// elsewhere, and whose next job has not yet waited as long as loading takes. So a job waits for a warm worker while that is
/// cheaper than a swap, and never for ever.
/// </summary>
internal sealed class WarmPlaces(
    NpgsqlDataSource source,
    ModelCatalog catalog,
    ModelCache cache,
    IOptions<WorkerOptions> options,
    ILogger<WarmPlaces> logger)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(2);

    // $1 models that are cold here, $2 how long each takes to load, $3 this worker, $4 how long a worker counts as live
    private const string Sql = """
        SELECT cold.model
        FROM unnest($1::text[], $2::interval[]) AS cold (model, load)
        WHERE EXISTS (
            SELECT 1 FROM workers w
            WHERE w.id <> $3 AND w.last_seen > now() - $4 AND NOT w.draining AND cold.model = ANY (w.loaded))
        AND coalesce(
            (SELECT now() - min(o.enqueued_at) FROM outbox o WHERE o.model = cold.model AND o.dispatched_at IS NOT NULL),
            interval '0') < cold.load
        """;

    /// <summary>Whether all models are in memory here, so that there is nothing to ask.</summary>
    public bool IsWarm => cache.Loaded.Count >= catalog.Entries.Count;

    /// <summary>Names of the models to leave; none when the database does not say.</summary>
    public async Task<IReadOnlySet<string>> LeaveToOthersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> loaded = cache.Loaded;
        ModelEntry[] cold = [.. catalog.Entries.Where(e => !loaded.Contains(e.Name, StringComparer.Ordinal))];
        var left = new HashSet<string>(StringComparer.Ordinal);
        if (cold.Length == 0)
        {
            return left;
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(CallLimit);
            await using NpgsqlCommand command = source.CreateCommand(Sql);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. cold.Select(e => e.Name)] });
            command.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = [.. cold.Select(cache.LoadTime)] });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.Value.Id });
            command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = WorkerRegistry.LiveFor });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(limit.Token);
            while (await reader.ReadAsync(limit.Token))
            {
                left.Add(reader.GetString(0));
            }
        }
        catch (Exception e) when ((Transient.Is(e) || e is OperationCanceledException or PostgresException) && !cancellationToken.IsCancellationRequested)
        {
            // Better a swap too many than a job that nobody takes
            WorkerLog.PresenceTrouble(logger, e.Message);
            left.Clear();
        }

        return left;
    }
}
