using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Status;

/// <summary>How long a job is expected to run, by what finished jobs took; read every few seconds at most.</summary>
internal sealed class RunTimeCache(RunTimes times, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);

    private readonly Snapshot<IReadOnlyList<RunTime>> _latest = new(MaxAge, time, times.ReadAsync);

    public ValueTask<IReadOnlyList<RunTime>> GetAsync(CancellationToken cancellationToken) => _latest.GetAsync(cancellationToken);

    /// <summary>
    /// The seconds that so much work takes, judged by the model's other kinds where this one has not been run. Null before the
    /// model's first job.
    /// </summary>
    public async Task<double?> ExpectedAsync(string model, JobKind kind, double work, CancellationToken cancellationToken) =>
        (await GetAsync(cancellationToken))
            .Where(t => t.Model == model)
            .OrderByDescending(t => t.Kind == kind)
            .ThenByDescending(t => t.Jobs)
            .FirstOrDefault()
            ?.SecondsOf(work);

    public void Dispose() => _latest.Dispose();
}
