using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Service.Queue;

/// <summary>
/// Decides which models' jobs are better left to a worker that has the model in memory: those that are not loaded here, are loaded
/// elsewhere, and whose next job has not yet waited as long as loading takes. So a job waits for a worker that has its model while that is
/// cheaper than loading, and never for ever.
/// </summary>
internal sealed class ModelAffinity(
    Outbox outbox,
    ModelCatalog catalog,
    ModelCache cache,
    IOptions<WorkerOptions> options,
    ILogger<ModelAffinity> logger
)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(2);

    private static readonly IReadOnlySet<string> Nothing = new HashSet<string>();

    /// <summary>Whether all models are in memory here, so that there is nothing to decide.</summary>
    public bool IsWarm => cache.Loaded.Count >= catalog.Entries.Count;

    /// <summary>The names of the models to leave to other workers; none when the database does not answer.</summary>
    public async Task<IReadOnlySet<string>> LeaveToOthersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> loaded = cache.Loaded;
        ModelEntry[] cold = [.. catalog.Entries.Where(e => !loaded.Contains(e.Name, StringComparer.Ordinal))];
        if (cold.Length == 0)
        {
            return Nothing;
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(CallLimit);
            return await outbox.LeaveToOthersAsync(options.Value.Id, [.. cold.Select(e => (e.Name, cache.LoadTime(e)))], limit.Token);
        }
        catch (Exception e)
            when ((Transient.Is(e) || e is OperationCanceledException or PostgresException) && !cancellationToken.IsCancellationRequested)
        {
            // Better a swap too many than a job that nobody takes
            WorkerLog.PresenceTrouble(logger, e.Message);
            return Nothing;
        }
    }
}
