using Generation.Storage;

namespace Generation.Api;

/// <summary>How busy the system is, read at most twice a second however many ask, and what that means for a job's wait.</summary>
internal sealed class LoadBoard(LoadReader reader, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(500);

    /// <summary>Taken for a model's first jobs, in seconds, until there are measured ones.</summary>
    private const double UnknownRunSeconds = 10;

    private readonly Snapshot<SystemLoad> _latest = new(MaxAge, time, reader.ReadAsync);

    public ValueTask<SystemLoad> GetAsync(CancellationToken cancellationToken) => _latest.GetAsync(cancellationToken);

    public void Dispose() => _latest.Dispose();

    public async Task<ModelLoad> OfAsync(string model, CancellationToken cancellationToken) =>
        (await GetAsync(cancellationToken)).Models.FirstOrDefault(m => m.Model == model)
            ?? new ModelLoad(model, 0, 0, 0, 0, 0, 0, null, null);

    /// <summary>
    /// Seconds until the job at <paramref name="position"/> is done: those before it take the slots in turn, a running
    /// job is half done on average. Null when no worker can run it.
    /// </summary>
    public static double? EtaSeconds(ModelLoad load, long position)
    {
        if (load.Slots == 0)
        {
            return null;
        }

        double run = load.RunSeconds ?? UnknownRunSeconds;
        long beforeASlotIsFree = position - load.FreeSlots;
        double wait = beforeASlotIsFree <= 0 ? 0 : (beforeASlotIsFree - 0.5) * run / load.Slots;
        return Math.Round(wait + run, 1);
    }

    /// <summary>Why a queued job of this model does not start, if nothing can run it.</summary>
    public static string? WaitingReason(ModelLoad load) => load.Workers == 0
        ? $"No worker is running that has the model '{load.Model}'; the job starts when one comes."
        : null;
}
