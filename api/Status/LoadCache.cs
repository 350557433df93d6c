using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Status;

/// <summary>How busy the system is, read at most twice a second however many ask, and what that means for a job's wait.</summary>
internal sealed class LoadCache(LoadReader reader, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(500);

    /// <summary>The seconds that a model's first jobs are taken to run, until some have been measured.</summary>
    private const double UnknownRunSeconds = 10;

    /// <summary>Up to so many slots, and jobs ahead, an estimate goes through them one by one.</summary>
    private const int FewSlots = 8;

    private const int OneByOne = 32;

    private readonly Snapshot<SystemLoad> _latest = new(MaxAge, time, reader.ReadAsync);

    public ValueTask<SystemLoad> GetAsync(CancellationToken cancellationToken) => _latest.GetAsync(cancellationToken);

    public void Dispose() => _latest.Dispose();

    public async Task<ModelLoad> OfAsync(string model, CancellationToken cancellationToken) =>
        (await GetAsync(cancellationToken)).Models.FirstOrDefault(m => m.Model == model)
        ?? new ModelLoad(model, 0, 0, 0, 0, 0, 0, null, null);

    /// <summary>
    /// Estimates the seconds until a queued job is done: the slots end what they run, then take the jobs ahead one after the other,
    /// then this one. What is not known of a job is taken to be as with the model's others. Null when no worker can run it,
    /// or the model is paused.
    /// </summary>
    public static double? EtaSeconds(ModelLoad load, QueuePlace place)
    {
        if (load.Slots == 0 || load.Paused)
        {
            return null;
        }

        double usual = load.RunSeconds ?? UnknownRunSeconds;
        double own = place.OwnSeconds ?? usual;
        long ahead = place.Position - 1;
        if (ahead < load.FreeSlots)
        {
            return Math.Round(own, 1);
        }

        double mean = ahead == 0 ? 0 : (place.SecondsAhead + ((ahead - place.KnownAhead) * usual)) / ahead;
        // Running jobs of other models, and those of which nothing is known, are half done on average
        double[] left =
        [
            .. load.SecondsLeft,
            .. Enumerable.Repeat(usual / 2, Math.Max(0, load.Slots - load.FreeSlots - load.SecondsLeft.Count)),
        ];
        double start =
            load.Slots > FewSlots || ahead > OneByOne
                // Many slots or jobs even out: all are free within one job's time, the first of them half of that before the mean
                ? Math.Max(0, ((left.Sum() + (ahead * mean)) / load.Slots) - (mean * (load.Slots - 1) / (2 * load.Slots)))
                : FirstFree(load.Slots, left.OrderDescending().Concat(Enumerable.Repeat(mean, (int)ahead)));
        return Math.Round(start + own, 1);
    }

    /// <summary>When the first slot is free after jobs of so many seconds, each taken by the first that is.</summary>
    private static double FirstFree(int slots, IEnumerable<double> jobs)
    {
        double[] free = new double[slots];
        foreach (double seconds in jobs)
        {
            free[Array.IndexOf(free, free.Min())] += seconds;
        }

        return free.Min();
    }

    /// <summary>The place behind all that wait.</summary>
    public static QueuePlace Last(ModelLoad load, double? ownSeconds) =>
        new(load.Queued + 1, load.QueuedKnown, load.QueuedSeconds, ownSeconds);

    /// <summary>Why a queued job of this model does not start, if it is paused or nothing can run it.</summary>
    public static SaidNotice? WaitingReason(ModelLoad load) =>
        load.Paused
            ? new SaidNotice(
                $"The model '{load.Model}' is paused by an operator; the job starts when it is resumed.",
                Notice.Of("model_paused", ("model", load.Model))
            )
        : load.Workers == 0
            ? new SaidNotice(
                $"No worker is running that has the model '{load.Model}'; the job starts when one comes.",
                Notice.Of("no_worker", ("model", load.Model))
            )
        : null;
}
