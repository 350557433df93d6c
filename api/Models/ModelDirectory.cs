using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Workers;

namespace Generation.Api.Models;

/// <summary>The models and schedulers that workers have registered, at most a second old.</summary>
internal sealed class ModelDirectory(WorkerRegistry workers, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(900);

    private readonly Snapshot<IReadOnlyDictionary<string, ModelEntry>> _models = new(MaxAge, time, async cancellationToken =>
        (await workers.ModelsAsync(cancellationToken)).ToDictionary(m => m.Name)
    );

    private readonly Snapshot<IReadOnlyDictionary<string, DateTimeOffset>> _times = new(MaxAge, time, workers.ModelTimesAsync);

    private readonly Snapshot<IReadOnlyList<SchedulerEntry>> _schedulers = new(MaxAge, time, workers.SchedulersAsync);

    public ValueTask<IReadOnlyDictionary<string, ModelEntry>> ModelsAsync(CancellationToken cancellationToken) =>
        _models.GetAsync(cancellationToken);

    /// <summary>The model of a name that a request gives.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public async ValueTask<ModelEntry> GetAsync(string name, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ModelEntry> known = await ModelsAsync(cancellationToken);
        return known.TryGetValue(name, out ModelEntry? entry)
            ? entry
            : throw new ProblemException(
                404,
                "model_not_found",
                $"There is no model '{ErrorText.Shown(name)}'{ErrorText.DidYouMean(name, known.Keys)}"
            );
    }

    /// <summary>When each model was registered as it is now.</summary>
    public ValueTask<IReadOnlyDictionary<string, DateTimeOffset>> TimesAsync(CancellationToken cancellationToken) =>
        _times.GetAsync(cancellationToken);

    public ValueTask<IReadOnlyList<SchedulerEntry>> SchedulersAsync(CancellationToken cancellationToken) =>
        _schedulers.GetAsync(cancellationToken);

    public void Dispose()
    {
        _models.Dispose();
        _times.Dispose();
        _schedulers.Dispose();
    }
}
