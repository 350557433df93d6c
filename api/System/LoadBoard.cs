using Generation.Storage;

namespace Generation.Api;

/// <summary>How busy the system is, read at most twice a second however many ask, and what that means for a job's wait.</summary>
internal sealed class LoadBoard(LoadReader reader, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(500);

    /// <summary>Taken for a model's first jobs, in seconds, until there are measured ones.</summary>
    private const double UnknownRunSeconds = 10;

    /// <summary>Of more jobs ahead the rest is spread evenly over the slots.</summary>
    private const int OneByOne = 500;

    private readonly Snapshot<SystemLoad> _latest = new(MaxAge, time, reader.ReadAsync);

    public ValueTask<SystemLoad> GetAsync(CancellationToken cancellationToken) => _latest.GetAsync(cancellationToken);

    public void Dispose() => _latest.Dispose();

    public async Task<ModelLoad> OfAsync(string model, CancellationToken cancellationToken) =>
        (await GetAsync(cancellationToken)).Models.FirstOrDefault(m => m.Model == model)
            ?? new ModelLoad(model, 0, 0, 0, 0, 0, 0, null, null);

    /// <summary>
    /// Seconds until a queued job is done: the slots end what they run, take those ahead one after the other, then it.
    /// What is not known of a job is taken to be as with the model's others. Null when no worker can run it.
    /// </summary>
    public static double? EtaSeconds(ModelLoad load, QueuePlace place)
    {
        if (load.Slots == 0)
        {
            return null;
        }

        double usual = load.RunSeconds ?? UnknownRunSeconds;
        var slots = new PriorityQueue<int, double>(Enumerable.Range(0, load.Slots).Select(i => (i, 0.0)));
        // Running jobs of other models, and those of which nothing is known, are half done on average
        IEnumerable<double> unknown = Enumerable.Repeat(usual / 2, Math.Max(0, load.Slots - load.FreeSlots - load.SecondsLeft.Count));
        foreach (double left in load.SecondsLeft.Concat(unknown).OrderDescending())
        {
            Take(left);
        }

        long ahead = place.Position - 1;
        double mean = ahead == 0 ? 0 : (place.SecondsAhead + ((ahead - place.KnownAhead) * usual)) / ahead;
        long one = Math.Min(ahead, OneByOne);
        for (long i = 0; i < one; i++)
        {
            Take(mean);
        }

        slots.TryPeek(out _, out double start);
        double rest = (ahead - one) * mean / load.Slots;
        return Math.Round(start + rest + (place.OwnSeconds ?? usual), 1);

        void Take(double seconds)
        {
            slots.TryDequeue(out int slot, out double free);
            slots.Enqueue(slot, free + seconds);
        }
    }

    /// <summary>The place behind all that wait.</summary>
    public static QueuePlace Last(ModelLoad load, double? ownSeconds) =>
        new(load.Queued + 1, load.QueuedKnown, load.QueuedSeconds, ownSeconds);

    /// <summary>Why a queued job of this model does not start, if nothing can run it.</summary>
    public static string? WaitingReason(ModelLoad load) => load.Workers == 0
        ? $"No worker is running that has the model '{load.Model}'; the job starts when one comes."
        : null;
}
